"""One `EngineSpec` as vLLM's arguments and Serve's deployment options: pure functions."""

import math
from typing import Any

from reasonflux.checkpoints import HUB, resolve_source
from reasonflux.config import EngineSpec
from reasonflux.distributed.sampling import check_names
from reasonflux.errors import BadInput

CPU_BLOCK = 32  # tokens; vLLM's default of 128 on CPU leaves most shared prefixes out of the cache
GUARDED = {
    "model": "set engine.model",
    "tokenizer": "the tokenizer is the model's",
    "trust_remote_code": "code of a model is never run",
    "load_format": "weights are safetensors; choose engine.load",
    "disable_log_stats": "engines count for themselves",
    "worker_extension_cls": "the project sets its own",
}


def check_engine(spec: EngineSpec) -> None:
    """Raises `BadInput` for an `engine_args` key that vLLM lacks or that is not the user's to set."""
    for name in spec.engine_args:
        if name in GUARDED:
            raise BadInput(f"engine_args.{name} cannot be set", GUARDED[name][0].upper() + GUARDED[name][1:])
    check_names("engine_args", spec.engine_args, "engine.arg_utils", "EngineArgs", "AsyncEngineArgs")
    if spec.load == "stream" and spec.device == "cpu":
        raise BadInput("a cpu engine has load: stream", "Stage the model, or use a GPU")
    if spec.load == "stream" and not spec.model.startswith("s3://"):
        raise BadInput(f"load: stream cannot read {spec.model}", "Name an s3:// URI, or stage the model")


def engine_arguments(spec: EngineSpec, path: str) -> dict[str, Any]:
    """Arguments of vLLM's `AsyncEngineArgs` for the model at `path`.

    On CPU, prompts are never split over steps: vLLM 0.29 rewinds the generator of a seeded request whose prompt is
    split by an offset that torch's CPU generator lacks, and the engine dies of it.
    """
    arguments: dict[str, Any] = {
        "model": path,
        "dtype": spec.dtype,
        "max_num_seqs": spec.max_num_seqs,
        "tensor_parallel_size": spec.tensor_parallel,
        "pipeline_parallel_size": spec.pipeline_parallel,
        "distributed_executor_backend": executor(spec),
        "enable_prefix_caching": True,
        "load_format": "runai_streamer" if spec.load == "stream" else "safetensors",
        "trust_remote_code": False,
        "worker_extension_cls": "reasonflux.distributed.worker_extension.WorkerExtension",
        "disable_log_stats": True,
    }
    if spec.max_model_len is not None:
        arguments["max_model_len"] = spec.max_model_len
    if spec.device == "gpu":
        arguments["gpu_memory_utilization"] = spec.gpu_memory_utilization
    else:
        arguments |= {"enforce_eager": True, "block_size": CPU_BLOCK, "enable_chunked_prefill": False}
        if spec.dtype == "auto":
            arguments["dtype"] = "float32"
    return arguments | spec.engine_args


def executor(spec: EngineSpec) -> str:
    """vLLM's executor: inside the engine's process, one process a GPU of the node, or Ray actors over nodes."""
    if spec.pipeline_parallel > 1:
        return "ray"
    return "mp" if spec.tensor_parallel > 1 else "uni"


def deployment_options(spec: EngineSpec, rows_per_call: int) -> dict[str, Any]:
    """Options of `serve.deployment`. Serve counts calls; `rows_per_call` turns sequences into calls."""
    calls_to_fill = math.ceil(spec.max_num_seqs / rows_per_call)
    options: dict[str, Any] = {
        "max_ongoing_requests": max(16, 4 * calls_to_fill),  # vLLM queues what does not fit
        "max_constructor_retry_count": max(2, most_replicas(spec)),  # what cannot start seldom can the third time
        "logging_config": {"log_level": "WARNING", "enable_access_log": False},
        "health_check_period_s": 5,
        "health_check_timeout_s": 60,
        "graceful_shutdown_wait_loop_s": 0.1,
        "graceful_shutdown_timeout_s": 10,
        "ray_actor_options": {
            "num_cpus": spec.cpus_per_replica,
            "num_gpus": 0,
            "runtime_env": {"env_vars": environment(spec)},
        },
    }
    gpus = spec.tensor_parallel * spec.pipeline_parallel if spec.device == "gpu" else 0
    pool = {spec.pool: 1.0} if spec.pool else {}
    if gpus and executor(spec) == "ray":
        bundles = [{"CPU": 1.0, "GPU": 1.0, **pool} for _ in range(gpus)]
        bundles[0]["CPU"] = max(1.0, spec.cpus_per_replica)  # the replica itself lives in the first bundle
        options |= {"placement_group_bundles": bundles, "placement_group_strategy": "PACK"}
    else:
        options["ray_actor_options"]["num_gpus"] = gpus
        options["ray_actor_options"]["resources"] = {name: max(1.0, gpus) for name in pool}
    if spec.autoscaling is None:
        return options | {"num_replicas": spec.replicas}
    scale = spec.autoscaling
    return options | {
        "autoscaling_config": {
            "min_replicas": scale.min_replicas,
            "max_replicas": scale.max_replicas,
            "target_ongoing_requests": max(1.0, scale.target_sequences / rows_per_call),
        }
    }


def most_replicas(spec: EngineSpec) -> int:
    """How many replicas there may be."""
    return spec.replicas if spec.autoscaling is None else spec.autoscaling.max_replicas


def environment(spec: EngineSpec) -> dict[str, str]:
    """Environment variables of a replica and of the engine process that it starts."""
    variables = {
        "VLLM_LOGGING_LEVEL": "WARNING",
        "VLLM_NO_USAGE_STATS": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    if not resolve_source(spec.model, spec.revision).startswith(HUB):
        variables["HF_HUB_OFFLINE"] = "1"  # the model is at hand: a lookup would only wait for a network
    if spec.device == "cpu":
        threads = str(max(1, math.floor(spec.cpus_per_replica)))
        variables |= {"VLLM_CPU_KVCACHE_SPACE": str(spec.kv_cache_gib), "OMP_NUM_THREADS": threads}
        variables["VLLM_CPU_OMP_THREADS_BIND"] = "nobind"  # each engine would bind itself to the same first cores
        if executor(spec) == "uni":
            # On CPU vLLM otherwise puts a worker process behind the engine's own: a second import, and a hop a step
            variables["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
    return variables
