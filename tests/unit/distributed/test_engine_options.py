"""One `EngineSpec` becomes the right arguments of vLLM and the right options of Serve, on CPU and GPU."""

from typing import Any

import pytest
from ray.serve.config import AutoscalingConfig

from reasonflux.config import Autoscaling, EngineSpec, StreamConfig
from reasonflux.distributed.engine_options import (
    check_engine,
    deployment_options,
    engine_arguments,
    environment,
    rows_in_flight,
    scaling,
)
from reasonflux.errors import BadInput


def spec(**settings: Any) -> EngineSpec:
    return EngineSpec(**{"model": "/models/m", **settings})


def test_a_cpu_engine_runs_in_one_process_without_split_prompts() -> None:
    arguments = engine_arguments(spec(device="cpu", max_model_len=512), "/models/m")
    assert arguments["distributed_executor_backend"] == "uni"
    assert arguments["dtype"] == "float32"
    assert arguments["block_size"] == 32
    assert arguments["enable_chunked_prefill"] is False  # a seeded request with a split prompt kills vLLM's CPU engine
    assert arguments["max_model_len"] == 512
    assert "gpu_memory_utilization" not in arguments


def test_weights_are_safetensors_and_code_of_a_model_is_not_run() -> None:
    for device in ("cpu", "gpu"):
        arguments = engine_arguments(spec(device=device), "/models/m")
        assert arguments["load_format"] == "safetensors"
        assert arguments["trust_remote_code"] is False
    assert engine_arguments(spec(load="stream"), "s3://b/m")["load_format"] == "runai_streamer"


def test_arguments_of_vllm_pass_through_and_win() -> None:
    arguments = engine_arguments(spec(device="cpu", engine_args={"block_size": 64, "kv_cache_dtype": "fp8"}), "/m")
    assert (arguments["block_size"], arguments["kv_cache_dtype"]) == (64, "fp8")


def test_a_cpu_replica_has_its_cores_threads_and_cache() -> None:
    options = deployment_options(spec(device="cpu", cpus_per_replica=2, kv_cache_gib=3), rows_per_call=64)
    actor = options["ray_actor_options"]
    assert (actor["num_cpus"], actor["num_gpus"]) == (2, 0)
    variables = actor["runtime_env"]["env_vars"]
    assert variables["OMP_NUM_THREADS"] == "2"
    assert variables["VLLM_CPU_KVCACHE_SPACE"] == "3"
    assert variables["VLLM_ENABLE_V1_MULTIPROCESSING"] == "0"
    assert all(isinstance(value, str) for value in variables.values())


def test_nothing_is_looked_up_on_the_hub_for_a_model_at_hand() -> None:
    assert environment(spec())["HF_HUB_OFFLINE"] == "1"
    assert environment(spec(model="s3://bucket/model"))["HF_HUB_OFFLINE"] == "1"
    assert "HF_HUB_OFFLINE" not in environment(spec(model="Qwen/Qwen2.5-32B-Instruct"))


def test_a_fraction_of_a_core_still_has_a_thread() -> None:
    assert environment(spec(device="cpu", cpus_per_replica=0.5))["OMP_NUM_THREADS"] == "1"


def test_tensor_parallel_takes_its_gpus_in_one_node() -> None:
    four = spec(tensor_parallel=4, replicas=2)
    options = deployment_options(four, rows_per_call=64)
    assert options["ray_actor_options"]["num_gpus"] == 4
    assert "placement_group_bundles" not in options
    assert options["num_replicas"] == 2
    arguments = engine_arguments(four, "/m")
    assert (arguments["tensor_parallel_size"], arguments["distributed_executor_backend"]) == (4, "mp")
    assert "VLLM_ENABLE_V1_MULTIPROCESSING" not in environment(four)
    assert "VLLM_ENABLE_V1_MULTIPROCESSING" not in environment(spec())  # how vLLM runs on a GPU is left to it


def test_pipeline_parallel_takes_a_placement_group_with_a_bundle_a_gpu() -> None:
    wide = spec(tensor_parallel=4, pipeline_parallel=2, cpus_per_replica=3)
    options = deployment_options(wide, rows_per_call=64)
    bundles = options["placement_group_bundles"]
    assert [bundle["GPU"] for bundle in bundles] == [1.0] * 8
    assert bundles[0]["CPU"] == 3  # room for the replica itself
    assert options["placement_group_strategy"] == "PACK"
    assert options["ray_actor_options"]["num_gpus"] == 0  # the workers hold the GPUs
    assert engine_arguments(wide, "/m")["distributed_executor_backend"] == "ray"


def test_autoscaling_counts_sequences() -> None:
    scaled = spec(autoscaling=Autoscaling(min_replicas=1, max_replicas=8, target_sequences=256))
    options = deployment_options(scaled, rows_per_call=64)
    given = options["autoscaling_config"]
    assert (given["min_replicas"], given["max_replicas"], given["target_ongoing_requests"]) == (1, 8, 4)
    assert "num_replicas" not in options


@pytest.mark.parametrize(("delays", "mean_over_s"), [((30, 600), 30), ((60, 600), 30), ((6, 20), 6), ((30, 0), 1)])
def test_load_is_measured_often_enough_for_the_delays(delays: tuple[float, float], mean_over_s: float) -> None:
    up, down = delays
    given = scaling(Autoscaling(upscale_delay_s=up, downscale_delay_s=down), rows_per_call=1)["autoscaling_config"]
    assert (given["upscale_delay_s"], given["downscale_delay_s"]) == delays
    assert (given["look_back_period_s"], given["metrics_interval_s"]) == (mean_over_s, mean_over_s / 3)


def test_where_nothing_is_said_serve_measures_and_waits_as_it_does_by_itself() -> None:
    given = scaling(Autoscaling(), rows_per_call=1)["autoscaling_config"]
    serves_own = AutoscalingConfig().model_dump()
    names = ("upscale_delay_s", "downscale_delay_s", "look_back_period_s", "metrics_interval_s")
    assert [given[name] for name in names] == [serves_own[name] for name in names]


def test_replicas_have_a_least_and_a_most_number() -> None:
    with pytest.raises(ValueError, match="min_replicas is 3, max_replicas 2"):
        Autoscaling(min_replicas=3, max_replicas=2)


def test_enough_calls_are_let_in_to_fill_the_engine() -> None:
    options = deployment_options(spec(max_num_seqs=1024), rows_per_call=16)
    assert options["max_ongoing_requests"] * 16 >= 1024


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"engine_args": {"max_num_sequences": 3}}, "Did you mean max_num_seqs?"),
        ({"engine_args": {"trust_remote_code": True}}, "Code of a model is never run"),
        ({"engine_args": {"load_format": "pt"}}, "Weights are safetensors"),
        ({"device": "cpu", "load": "stream"}, "Stage the model"),
        ({"load": "stream"}, "Name an s3:// URI"),
    ],
)
def test_what_an_engine_cannot_take_is_refused_before_it_starts(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput) as caught:
        check_engine(spec(**settings))
    assert said in str(caught.value)


def test_an_engine_takes_of_its_pool_what_it_takes_of_gpus() -> None:
    one = deployment_options(spec(pool="serving", tensor_parallel=4), rows_per_call=64)
    assert one["ray_actor_options"]["resources"] == {"serving": 4}
    wide = deployment_options(spec(pool="serving", tensor_parallel=2, pipeline_parallel=2), rows_per_call=64)
    assert [bundle["serving"] for bundle in wide["placement_group_bundles"]] == [1] * 4
    assert "resources" not in wide["ray_actor_options"]  # the bundles have it
    small = deployment_options(spec(pool="serving", device="cpu"), rows_per_call=64)
    assert small["ray_actor_options"]["resources"] == {"serving": 1}


def test_what_is_in_flight_follows_the_places_of_all_replicas() -> None:
    stream = StreamConfig(clients=2, rows_per_part=64)
    assert rows_in_flight(stream, spec(max_num_seqs=256, replicas=8)) == 2 * 8 * 256 / 2
    scaled = spec(max_num_seqs=256, autoscaling=Autoscaling(max_replicas=64))
    assert rows_in_flight(stream, scaled) == 2 * 64 * 256 / 2
    assert rows_in_flight(stream.model_copy(update={"calls_in_flight": 3}), scaled) == 3 * 64
