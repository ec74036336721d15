"""One `EngineSpec` as vLLM's arguments and Serve's deployment options: pure functions."""

import math
from typing import Any

from reasonflux.checkpoints import HUB, resolve_source
from reasonflux.config import Autoscaling, EngineSpec, StreamConfig
from reasonflux.distributed.sampling import check_names
from reasonflux.errors import BadInput

CPU_BLOCK = 32  # tokens; vLLM's default of 128 on CPU leaves most shared prefixes out of the cache
LOAD_MEAN_S = 30.0  # Serve's own
AHEAD = 2.0  # requests in flight, of the places of all replicas: docs/scale.md has the figures
GUARDED = {
    "model": "set engine.model",
    "tokenizer": "the tokenizer is the model's",
    "trust_remote_code": "code of a model is never run",
    "load_format": "weights are safetensors; choose engine.load",
    "disable_log_stats": "engines count for themselves",
    "hf_token": "set HF_TOKEN in the nodes' environment; a config is written to its run",
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
        # Clients bound what is in flight in requests; a call that waits for its longest answers takes few places.
        "max_ongoing_requests": max(64, 16 * calls_to_fill),
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
    bundles = replica_bundles(spec)
    if len(bundles) > 1:
        options |= {"placement_group_bundles": bundles, "placement_group_strategy": "PACK"}
    else:
        options["ray_actor_options"]["num_gpus"] = int(bundles[0].get("GPU", 0))
        options["ray_actor_options"]["resources"] = {spec.pool: bundles[0][spec.pool]} if spec.pool else {}
    if spec.autoscaling is None:
        return options | {"num_replicas": spec.replicas}
    return options | scaling(spec.autoscaling, rows_per_call)


def scaling(scale: Autoscaling, rows_per_call: int) -> dict[str, Any]:
    """Options of a deployment that follows its load, waiting calls among it; to none and back where it may.

    Serve looks at the mean load of a while, by reports that come three times in it: a delay means nothing where that
    while is longer.
    """
    mean_over_s = max(1.0, min(LOAD_MEAN_S, scale.upscale_delay_s, scale.downscale_delay_s))
    return {
        "autoscaling_config": {
            "min_replicas": scale.min_replicas,
            "max_replicas": scale.max_replicas,
            "target_ongoing_requests": max(1.0, scale.target_sequences / rows_per_call),
            "upscale_delay_s": scale.upscale_delay_s,
            "downscale_delay_s": scale.downscale_delay_s,
            "look_back_period_s": mean_over_s,
            "metrics_interval_s": mean_over_s / 3,
        }
    }


def most_replicas(spec: EngineSpec) -> int:
    """How many replicas there may be."""
    return spec.replicas if spec.autoscaling is None else spec.autoscaling.max_replicas


def replica_bundles(spec: EngineSpec) -> list[dict[str, float]]:
    """What one replica takes: one bundle, which is the actor's own, or a placement group of several."""
    gpus = spec.tensor_parallel * spec.pipeline_parallel if spec.device == "gpu" else 0
    pool = {spec.pool: float(max(1, gpus))} if spec.pool else {}
    if not gpus:
        return [{"CPU": spec.cpus_per_replica, **pool}]
    if executor(spec) != "ray":
        return [{"CPU": spec.cpus_per_replica, "GPU": float(gpus), **pool}]
    one = {"CPU": 1.0, "GPU": 1.0} | ({spec.pool: 1.0} if spec.pool else {})
    first = one | {"CPU": max(1.0, spec.cpus_per_replica)}  # the replica itself lives in the first bundle
    return [first, *(dict(one) for _ in range(gpus - 1))]


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


def rows_in_flight(stream: StreamConfig, spec: EngineSpec) -> int:
    """Requests without an answer that each client keeps with an engine: enough for all places, and some to follow."""
    if stream.calls_in_flight is not None:
        return stream.calls_in_flight * stream.rows_per_part
    return math.ceil(AHEAD * most_replicas(spec) * spec.max_num_seqs / stream.clients)
