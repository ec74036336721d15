"""What fits on a described cluster, against arithmetic done by hand for Qwen2.5-32B."""

import json
from pathlib import Path
from typing import Any

import pytest

from reasonflux.cluster_plan import ClusterPlan, Wanted, plan_on
from reasonflux.clusters import SHAPES, Cluster, load_cluster
from reasonflux.config import EngineSpec
from reasonflux.distributed.engine_options import replica_bundles
from reasonflux.errors import BadInput
from reasonflux.fitting import GIB, Architecture, lie_in, rates
from reasonflux.planning import StagePlan, Weights

QWEN_32B = {  # of its config.json what counts here
    "hidden_size": 5120,
    "max_position_embeddings": 32768,
    "num_attention_heads": 40,
    "num_hidden_layers": 64,
    "num_key_value_heads": 8,
    "torch_dtype": "bfloat16",
}
WEIGHTS = Weights(bytes=65_540_000_000, local=False, loaded=65_527_752_704, config=QWEN_32B)  # 32,763,876,352 × 2
UNREACHED = None
STAGES = (
    StagePlan(name="draws", rows=1000),
    StagePlan(name="trajectories", rows=1000, engine="navigator", prompt_tokens=200_000, output_tokens=3_072_000),
)


def spec(**settings: Any) -> EngineSpec:
    given = {"model": "qwen", "dtype": "bfloat16", "tensor_parallel": 4, "max_model_len": 8192, "replicas": 2}
    return EngineSpec.model_validate(given | settings)


def planned(
    cluster: str | Cluster, *engines: EngineSpec, weights: Weights | None = WEIGHTS, beside: float = 18
) -> ClusterPlan:
    shape = load_cluster(cluster) if isinstance(cluster, str) else cluster
    wanted = [
        Wanted(role=role, spec=each, bundles=tuple(replica_bundles(each)), weights=weights)
        for role, each in zip(("navigator", "reasoner"), engines, strict=False)
    ]
    return plan_on(shape, wanted, STAGES, beside)


def refused(cluster: str, *engines: EngineSpec, **options: Any) -> str:
    with pytest.raises(BadInput) as caught:
        planned(cluster, *engines, **options)
    assert caught.value.exit_status == 2
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_memory_of_qwen_32b_on_four_a100_80_is_what_a_hand_reckons() -> None:
    (engine,) = planned("a100-8", spec()).engines
    fit = engine.gpu
    assert fit is not None
    assert fit.weights_gib == pytest.approx(65_527_752_704 / 4 / 2**30)  # 15.26
    assert fit.kv_bytes_per_token == 2 * 64 * (8 / 4) * 128 * 2  # 65,536 on each GPU, 256 KiB over the four
    room = 79.1 * 0.9 - 15.2569 - 4  # 51.93 GiB
    assert fit.kv_gib == pytest.approx(room, abs=1e-3)
    assert fit.kv_tokens == pytest.approx(room * 16_384, rel=1e-4)  # 16 Ki tokens a GiB: about 850,800
    assert fit.whole_contexts == 103
    assert fit.words().startswith(
        "71.2 GiB usable of each A100-80GB: 15.26 weights + 4 workspace + 51.9 KV cache = 850,"
    )


def test_hours_follow_the_roofline_and_dollars_the_hours() -> None:
    plan = planned("a100-8", spec())
    model, gpu = Architecture.of(QWEN_32B), load_cluster("a100-8").nodes[0].gpu
    assert model is not None and gpu is not None
    rate = rates(spec(), model, lie_in(spec(), model, WEIGHTS.loaded, gpu), gpu, 200, 3072)
    # A step of 256 sequences: 16.38 GB of weights and 256 × (200 + 1536) tokens × 64 KiB of KV cache off 1.22 TB/s.
    assert rate.sequences == 256
    assert rate.decode == pytest.approx(256 / ((16.3819e9 + 256 * 1736 * 65_536) / (2039e9 * 0.6)), rel=1e-3)
    assert rate.prefill == pytest.approx(312e12 * 0.5 * 4 / (2 * 32.763876e9), rel=1e-3)
    seconds = (200_000 / rate.prefill + 3_072_000 / rate.decode) / 2
    assert plan.hours is not None and list(plan.hours) == ["trajectories"]
    assert plan.hours["trajectories"] == pytest.approx(seconds / 3600)
    assert plan.dollars == pytest.approx(seconds / 3600 * (27.5 + 1.5))
    told = "\n".join(plan.words())
    assert "tokens: about 3,272,000 at most" in told and "dollars" in told and told.count("assumed: ") == 4


def test_replicas_fill_the_cluster_up_to_what_the_job_allows() -> None:
    growing = spec(autoscaling={"min_replicas": 2, "max_replicas": 8})
    assert planned("a100-8", growing).engines[0].replicas == 2  # eight GPUs, four each
    assert planned("a100-64", growing).engines[0].replicas == 8
    both = planned("a100-64", spec(autoscaling={"min_replicas": 1, "max_replicas": 99}), growing).engines
    assert [engine.replicas for engine in both] == [8, 8]  # in turn
    assert both[0].nodes[0] == "p4de.24xlarge#0"


def test_stages_of_a_pipeline_are_one_placement_group_over_machines() -> None:
    (engine,) = planned("a100-64", spec(tensor_parallel=8, pipeline_parallel=2, replicas=1)).engines
    assert len(engine.bundles) == 16
    assert "16 bundles of 1 CPU + 1 GPU, packed" in engine.words()[0]


def test_a_model_that_cannot_be_read_is_placed_and_its_memory_is_left_open() -> None:
    plan = planned("a100-8", spec(), weights=UNREACHED)
    assert plan.hours is None
    told = "\n".join(plan.words())
    assert "memory not checked" in told and "not estimated" in told


@pytest.mark.parametrize(
    ("cluster", "settings", "what", "remedy"),
    [
        (
            "a100-8",
            {"tensor_parallel": 1, "max_model_len": 32_768},
            "does not fit on 1 × A100-80GB: 61.0 GiB of weights on each and room for 25,",
            "navigator.tensor_parallel=2",
        ),
        ("a100-40gb-8", {"tensor_parallel": 2}, "30.5 GiB of weights on each", "navigator.tensor_parallel=4"),
        (
            "a100-8",
            {"tensor_parallel": 2, "max_model_len": 400_000},
            "room for",
            "navigator.tensor_parallel=4 or navigator.max_model_len=300451",
        ),
        ("a100-8", {"tensor_parallel": 3}, "40 attention heads cannot be shared", "one of 1, 2, 4, 5, 8"),
        ("a100-8", {"replicas": 3}, "3 replica(s) of 4 GPU(s) do not fit on a100-8, 2 would", "navigator.replicas=2"),
        ("a100-8", {"tensor_parallel": 10}, "asks for 10 GPUs of one machine", "navigator.tensor_parallel=8"),
        ("cpu-dev", {}, "cpu-dev has no GPU", "navigator.device=cpu"),
        ("cpu-dev", {"device": "cpu"}, "takes 65.0 GiB of memory", "larger machines"),
    ],
)
def test_what_cannot_fit_is_refused_with_what_would(
    cluster: str, settings: dict[str, Any], what: str, remedy: str
) -> None:
    told = refused(cluster, spec(**settings), beside=2)
    assert what in told and remedy in told


def test_two_engines_are_refused_together_where_each_would_fit_alone() -> None:
    assert "0 would, beside 2 of navigator" in refused("a100-8", spec(), spec(replicas=1, max_num_seqs=64))


def test_clients_and_verifier_want_their_cpus_too() -> None:
    assert "take 17 CPUs, cpu-dev has 16" in refused("cpu-dev", spec(device="cpu", replicas=1), weights=None, beside=17)


def test_what_would_fit_fits() -> None:
    """The remedy of a refusal is taken at its word."""
    tight = spec(tensor_parallel=2, max_model_len=400_000)
    length = int(refused("a100-8", tight).split("max_model_len=")[1])
    planned("a100-8", tight.model_copy(update={"max_model_len": length}))
    refused("a100-8", tight.model_copy(update={"max_model_len": length + 1}))


@pytest.mark.parametrize("config", [{}, {"num_hidden_layers": "many"}, {"text_config": {"num_attention_heads": 0}}])
def test_a_config_that_says_too_little_leaves_the_memory_open(config: dict[str, Any]) -> None:
    assert Architecture.of(config) is None


def test_fewer_kv_heads_than_gpus_are_copied() -> None:
    model = Architecture.of(QWEN_32B | {"num_key_value_heads": 2})
    gpu = load_cluster("a100-8").nodes[0].gpu
    assert model is not None and gpu is not None
    assert lie_in(spec(tensor_parallel=8), model, WEIGHTS.loaded, gpu).kv_bytes_per_token == 2 * 64 * 1 * 128 * 2


@pytest.mark.parametrize("path", sorted(SHAPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_shape_is_read_and_named_after_its_file(path: Path) -> None:
    cluster = load_cluster(path.stem)
    assert cluster.name == path.stem
    assert all((node.gpus > 0) is (node.gpu is not None) for node in cluster.nodes)
    assert load_cluster(str(path)) == cluster


def test_an_unknown_cluster_is_refused_with_those_there_are() -> None:
    with pytest.raises(BadInput, match=r"there is no cluster 'h100'.*a100-64, a100-8, cpu-dev"):
        load_cluster("h100")


def test_machines_get_the_plan_as_json() -> None:
    given = json.loads(json.dumps(planned("a100-8", spec()).to_json(), allow_nan=False))
    assert given["engines"][0]["gpu"]["kv_tokens"] * 65_536 == pytest.approx(given["engines"][0]["gpu"]["kv_gib"] * GIB)
    assert given["assumptions"]


def test_the_planner_of_phases_proposes_sizes_for_each_stage() -> None:
    one, other = spec(max_num_seqs=256, replicas=2), spec(max_num_seqs=128, replicas=2)
    stages = (
        StagePlan(name="trajectories", rows=1000, engine="navigator", prompt_tokens=200_000, output_tokens=300_000),
        StagePlan(name="rollouts", rows=9000, engine="reasoner", prompt_tokens=4_500_000, output_tokens=27_000_000),
        StagePlan(name="verdicts", rows=9000),
    )
    wanted = [
        Wanted(role=role, spec=each, bundles=tuple(replica_bundles(each)), weights=WEIGHTS)
        for role, each in (("navigator", one), ("reasoner", other))
    ]
    plan = plan_on(load_cluster("a100-64"), wanted, stages, beside=18)
    assert plan.phases is not None
    assert [phase.sizes for phase in plan.phases.phases][:2] == [{"navigator": 16}, {"reasoner": 16}]  # of 64 GPUs
    assert plan.phases.split["navigator"] + plan.phases.split["reasoner"] == 16
    assert sum(phase.hours for phase in plan.phases.phases[:2]) < plan.phases.split_hours
    words = "\n".join(plan.words())
    assert "rollouts: 16 of reasoner" in words and "no engine is moved by itself" in words
    assert json.dumps(plan.to_json())
