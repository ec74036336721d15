"""What a plan counts, and what it says of engines and their weights."""

import json
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from reasonflux.config import EngineSpec, PairsJob
from reasonflux.planning import EnginePlan, JobPlan, Weights, plan_pairs

LOCAL = Weights(bytes=1_234_567, local=True)
REMOTE = Weights(bytes=65_527_752_704, local=False)


def job(**settings: Any) -> PairsJob:
    given: dict[str, Any] = {
        "name": "planned",
        "problems": {"source": "testbed"},
        "similar": {"count": 3},
        "navigator": {"model": "plans", "device": "cpu", "cpus_per_replica": 1.5},
        "reasoner": {"model": "owner/solves", "tensor_parallel": 4, "pipeline_parallel": 2, "replicas": 3},
        "sampling": {"trajectories": 5, "rollouts_own": 4, "rollouts_similar": 2},
        "pairs": {"per_problem": 2, "reasoner_per_trajectory": 1},
    }
    return PairsJob.model_validate(given | settings)


def rows(plan: JobPlan) -> dict[str, int]:
    return {stage.name: stage.rows for stage in plan.stages}


def planned(config: PairsJob, problems: int = 10) -> JobPlan:
    return plan_pairs(config, problems, 350.0, {"navigator": LOCAL, "reasoner": REMOTE})


def test_rows_follow_from_problems_draws_and_similar_problems() -> None:
    counted = rows(planned(job()))
    assert counted == {
        "problems": 10,
        "similar": 10,
        "draws": 50,
        "trajectories": 50,
        "attempts": 400,  # 4 rollouts of its own problem and 2 of each of 2 others, for 50 plans
        "rollouts": 400,
        "verdicts": 400,
        "rewards": 50,
        "navigator_pairs": 20,
        "reasoner_pairs": 150,
    }


@pytest.mark.parametrize(
    ("settings", "problems", "stage", "expected"),
    [
        ({"similar": {"provider": "self", "count": 3}}, 10, "rollouts", 50 * 4),
        ({"similar": {"count": 8}}, 2, "rollouts", 2 * 5 * (4 + 2)),  # there is one other problem, not seven
        ({"sampling": {"trajectories": 1}}, 10, "navigator_pairs", 0),  # a pair takes two plans
        ({"sampling": {"trajectories": 5, "rollouts_own": 4}}, 10, "reasoner_pairs", 50),  # others have one rollout
        ({"sampling": {"rollouts_own": 1}}, 10, "reasoner_pairs", 0),  # a pair takes two rollouts
    ],
)
def test_no_row_is_planned_that_cannot_come(settings: dict[str, Any], problems: int, stage: str, expected: int) -> None:
    assert rows(planned(job(**settings), problems))[stage] == expected


def test_tokens_are_counted_where_an_engine_works() -> None:
    config = job()
    stages = {stage.name: stage for stage in planned(config).stages if stage.prompt_tokens or stage.output_tokens}
    assert list(stages) == ["trajectories", "rollouts"]
    assert stages["trajectories"].output_tokens == 50 * config.sampling.navigator.max_tokens
    assert stages["rollouts"].output_tokens == 400 * config.sampling.reasoner.max_tokens
    assert stages["trajectories"].prompt_tokens == 50 * 140  # 350 characters, and the prompt's own words
    assert stages["rollouts"].prompt_tokens == 400 * (140 + config.sampling.navigator.max_tokens)


def test_one_engine_serves_both_roles_when_the_reasoner_is_the_navigator() -> None:
    plan = planned(job(reasoner="navigator"))
    assert list(plan.engines) == ["navigator"]
    assert {stage.engine for stage in plan.stages if stage.engine} == {"navigator"}


@pytest.mark.parametrize(
    ("settings", "weights", "said"),
    [
        ({"device": "cpu", "cpus_per_replica": 1.5}, LOCAL, "m: 1 replica(s) × 1.5 CPU; 1,234,567 bytes, read where"),
        ({"tensor_parallel": 4}, REMOTE, "m: 1 replica(s) × 4 GPU + 1 CPU; 65,527,752,704 bytes, staged once a node"),
        ({"tensor_parallel": 4, "pipeline_parallel": 2, "replicas": 3}, REMOTE, "3 replica(s) × 8 GPU"),
        ({"load": "stream"}, REMOTE, "65,527,752,704 bytes, streamed by each replica"),
        ({}, None, "weights of unknown size until m can be reached, staged once a node"),
        ({"autoscaling": {"min_replicas": 2, "max_replicas": 8}}, REMOTE, "2–8 replica(s)"),
    ],
)
def test_an_engines_needs_are_told_in_one_line(settings: dict[str, Any], weights: Weights | None, said: str) -> None:
    words = EnginePlan.of(EngineSpec(model="m", **settings), weights).words()
    assert said in words
    assert "\n" not in words


def test_machines_get_the_same_plan_as_plain_values() -> None:
    config = job()
    plan = plan_pairs(config, 10, 350.0, {"navigator": LOCAL, "reasoner": None})
    read = json.loads(json.dumps(plan.to_json(), allow_nan=False))
    assert [(stage["name"], stage["rows"]) for stage in read["stages"]] == list(rows(plan).items())
    assert read["engines"]["navigator"] == {
        "model": "plans",
        "min_replicas": 1,
        "max_replicas": 1,
        "cpus": 1.5,
        "gpus": 0,
        "weights_bytes": 1_234_567,
        "weights": "read where they lie",
    }
    assert (read["engines"]["reasoner"]["gpus"], read["engines"]["reasoner"]["weights_bytes"]) == (8, None)


def test_people_see_every_stage_on_a_line_of_its_own() -> None:
    plan = planned(job())
    console = Console(file=StringIO(), width=120)
    console.print(plan.table())
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    for stage in plan.stages:
        assert any(stage.name in line and f"{stage.rows:,}" in line for line in printed.splitlines())
    assert plan.words()[1].startswith("reasoner: owner/solves: 3 replica(s)")
