"""What a plan of rounds says of a described cluster, and what rounds refuse before an engine starts."""

from collections.abc import Callable
from pathlib import Path

import pytest
import ray

from reasonflux.clusters import load_cluster
from reasonflux.configuring import load_config
from reasonflux.distributed import runtime
from reasonflux.distributed.rounds import run_rounds
from reasonflux.distributed.rounds_checks import RoundsPlan, plan_gate, plan_rounds
from reasonflux.errors import BadInput
from reasonflux.rounds.config import GateJob, RoundsJob
from reasonflux.storage.run import Run
from tests.models import write_model

TESTBED = Path(__file__).parents[3] / "jobs" / "configs" / "rounds" / "testbed.yaml"
SMALL = (
    *("schedule=[navigator]", "curve={}", "modules.navigator.gate.benchmarks={}"),
    *("modules.navigator.problems.count=24", "modules.navigator.gate.primary.problems.limit=8"),
)


def planned(cluster: str, *changes: str) -> RoundsPlan:
    return plan_rounds(load_config(RoundsJob, TESTBED, [*SMALL, *changes]), load_cluster(cluster))


def test_the_first_rounds_engines_are_placed_and_told() -> None:
    plan = planned("cpu-dev")
    assert plan.cluster is not None
    assert {place.role: place.replicas for place in plan.cluster.engines} == {"navigator": 2, "reasoner": 2}
    assert plan.words()[:2] == ("the first round's pairs", "on cpu-dev:")
    assert plan.to_json()["cluster"]["cluster"] == "cpu-dev"


def test_a_training_that_finds_no_gpus_is_refused_with_what_would_do() -> None:
    workers = "modules.navigator.recipe.workers={count: 8, gpus: 1, device: cuda}"
    engines = ("navigator.device=gpu", "reasoner.device=gpu")
    shared = planned("a100-8", workers, *engines, "accelerators=shared")
    assert "8 worker(s), each 1 GPU + 2 CPU; 8 on p4de.24xlarge#0" in "\n".join(shared.words())
    (training,) = shared.to_json()["trainings"]
    assert training["held"]["device"] > 0
    with pytest.raises(
        BadInput, match=r"takes 12 GPUs with 4 for engines beside it, a100-8 has 8.*accelerators=shared"
    ):
        planned("a100-8", workers, *engines)


def test_a_directory_of_other_rounds_is_refused_before_ray_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = load_config(RoundsJob, TESTBED, [*SMALL, f"output.root={tmp_path}"])
    Run.open(tmp_path, job.name, "seed: 1\n")
    monkeypatch.setattr(runtime, "connect", lambda: pytest.fail("Ray was started"))
    with pytest.raises(BadInput, match="belongs to another config"):
        run_rounds(job)


def test_workers_that_the_cluster_cannot_hold_are_refused_and_the_run_may_keep_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = load_config(
        RoundsJob, TESTBED, [*SMALL, f"output.root={tmp_path}", "modules.navigator.recipe.workers.count=3"]
    )
    monkeypatch.setattr(runtime, "connect", lambda: None)
    monkeypatch.setattr(ray, "nodes", lambda: [{"Alive": True}])
    monkeypatch.setattr(ray, "cluster_resources", lambda: {"CPU": 4.0})
    with pytest.raises(BadInput, match="3 workers take 6 CPU, the cluster has 4"):
        run_rounds(job)
    assert not (tmp_path / job.name).exists()


@pytest.mark.slow
def test_the_rounds_of_a_cluster_find_their_problems_in_math_train(
    shared_data: Callable[[str], Path], tmp_path: Path
) -> None:
    """Four gates, and one that is asked alone: a lot of 400 each, out of 7,474."""
    train, test = shared_data("data/math_train.jsonl"), shared_data("data/math500.jsonl")
    sets, model = [f"curve.math500.problems.path={test}"], write_model(tmp_path / "model")
    for role in ("navigator", "reasoner"):
        sets += [
            f"{role}.model={model}",
            f"modules.{role}.problems.path={train}",
            f"modules.{role}.gate.primary.problems.path={train}",
        ]
    config = TESTBED.with_stem("a100_32b")
    plan = plan_rounds(load_config(RoundsJob, config, sets))
    gates = [part for part in plan.parts if "gate of parent" in part.part]
    assert [part.problems for part in gates] == [400] * 4
    asked = [*sets, "role=navigator", "candidate=s3://bucket/checkpoint"]
    assert plan_gate(load_config(GateJob, config, asked)).parts[0].problems == 400
    with pytest.raises(BadInput, match=r"gate: \S+ has no more than 74 problems .* takes, .* is 400\. Lower the limit"):
        plan_gate(load_config(GateJob, config, [*asked, "lot=6"]))
