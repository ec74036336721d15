"""Equal plans are rolled out once, other trajectories never share a rollout, and every attempt becomes one row."""

from reasonflux.arrow import from_table, to_table
from reasonflux.config import SamplingConfig
from reasonflux.protocols import Outcome, Sampling
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.reasoning.reasoner import expand_attempts, roll_out
from reasonflux.records import Failure, Rollout, Status
from tests.scripted import ScriptedGenerate
from tests.unit.reasoning.builders import similar, trajectory

CONFIG = SamplingConfig(rollouts_own=2, rollouts_similar=1)
SIMILAR = {"x": similar("x", "y", "z"), "y": similar("y", "x")}
IDENTITY = {"reasoner": "r", "prompts": "p"}
PROMPTS = PromptSet.load()


def test_own_problem_and_similar_problems_get_their_rollouts() -> None:
    attempts = expand_attempts([trajectory("t", "x", "1. A", 0)], SIMILAR, CONFIG, IDENTITY)
    assert [(attempt.problem.id, attempt.index) for attempt in attempts] == [("x", 0), ("x", 1), ("y", 0), ("z", 0)]
    assert {(attempt.trajectory_id, attempt.anchor_id, attempt.multiplicity) for attempt in attempts} == {("t", "x", 1)}


def test_equal_plans_of_a_problem_are_one_and_the_lowest_draw_stands_for_them() -> None:
    trajectories = [
        trajectory("t2", "x", "1. A", 2),
        trajectory("t1", "x", "1. B", 1),
        trajectory("t0", "x", "1. A", 0),
        trajectory("t3", "x", "1. A", 3, status=Status.FAILED),
        trajectory("u0", "y", "1. A", 0),
    ]
    attempts = expand_attempts(trajectories, SIMILAR, CONFIG, IDENTITY)
    assert {(attempt.trajectory_id, attempt.multiplicity) for attempt in attempts} == {("t0", 2), ("t1", 1), ("u0", 1)}


def test_attempts_of_one_plan_stay_together() -> None:
    trajectories = [trajectory(f"t{index}", "x", f"1. {index % 2}", index) for index in range(4)]
    keys = [attempt.trajectory_id for attempt in expand_attempts(trajectories, SIMILAR, CONFIG, IDENTITY)]
    assert keys == ["t0"] * 4 + ["t1"] * 4


def test_no_two_trajectories_share_a_rollout() -> None:
    trajectories = [trajectory("t", "x", "1. A", 0), trajectory("u", "y", "1. A", 0)]
    attempts = expand_attempts(trajectories, SIMILAR, CONFIG, IDENTITY)
    assert (
        len({attempt.id for attempt in attempts}) == len({attempt.seed for attempt in attempts}) == len(attempts) == 7
    )


def test_whatever_determines_the_work_is_in_the_id() -> None:
    one = [trajectory("t", "x", "1. A", 0)]
    variants = [
        expand_attempts(one, SIMILAR, CONFIG, IDENTITY),
        expand_attempts(one, SIMILAR, CONFIG, IDENTITY | {"reasoner": "s"}),
        expand_attempts(one, SIMILAR, CONFIG.model_copy(update={"reasoner": Sampling(temperature=0)}), IDENTITY),
    ]
    assert len({attempt.id for attempts in variants for attempt in attempts}) == 12
    more = expand_attempts(one, SIMILAR, CONFIG.model_copy(update={"rollouts_own": 3}), IDENTITY)
    assert {attempt.id for attempt in variants[0]} < {attempt.id for attempt in more}


def test_equal_plans_are_rolled_out_with_common_random_numbers_whoever_wrote_and_whoever_reads_them() -> None:
    def seeds(of: str, plan: str = "1. A", index: int = 0, reasoner: str = "r") -> list[int]:
        identity = IDENTITY | {"reasoner": reasoner}
        return [each.seed for each in expand_attempts([trajectory(of, "x", plan, index)], SIMILAR, CONFIG, identity)]

    assert seeds("t") == seeds("of another navigator", index=2) == seeds("t", reasoner="s")
    assert not set(seeds("t")) & set(seeds("t", plan="1. B"))


async def test_every_attempt_becomes_one_rollout_in_order() -> None:
    attempts = expand_attempts([trajectory("t", "x", "A", 0)], SIMILAR, CONFIG, IDENTITY)
    outcomes = {attempts[1].id: Outcome.TRUNCATED, attempts[2].id: Outcome.ENGINE_ERROR}
    generate = ScriptedGenerate(lambda request: r"\boxed{1}", outcomes, checkpoint="r")
    rows = await roll_out(attempts, generate, PROMPTS, CONFIG, checkpoint="r")
    assert [row.id for row in rows] == [attempt.id for attempt in attempts]
    assert [(row.problem_id, row.gold) for row in rows] == [(a.problem.id, f"gold {a.problem.id}") for a in attempts]
    assert [row.truncated for row in rows] == [False, True, False, False]
    assert [row.status for row in rows] == ["done", "done", "failed", "done"]
    assert [row.text for row in rows] == [r"\boxed{1}", r"\boxed{1}", "", r"\boxed{1}"]
    assert rows[2].failure == Failure(stage="rollouts", error="engine_error", message="scripted engine_error")
    assert from_table(Rollout, to_table(Rollout, rows)) == rows


async def test_prompts_of_one_plan_share_their_beginning_and_requests_carry_what_they_must() -> None:
    attempts = expand_attempts([trajectory("t", "x", "A", 0)], SIMILAR, CONFIG, IDENTITY)
    generate = ScriptedGenerate(lambda request: "")
    rows = await roll_out(attempts, generate, PROMPTS, CONFIG, checkpoint="digest")
    assert len(generate.calls) == 1
    for attempt, request, row in zip(attempts, generate.requests, rows, strict=True):
        assert (request.id, request.seed, request.checkpoint) == (attempt.id, attempt.seed, "digest")
        assert request.sampling == CONFIG.reasoner
        plan, _, rest = request.messages[0].content.partition("1. A")
        assert rest.strip() == f"Problem: {attempt.problem.text}"
        assert plan == generate.requests[0].messages[0].content.partition("1. A")[0]
        assert row.prompt == request.messages
