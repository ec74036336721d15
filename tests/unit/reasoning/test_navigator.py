"""One trajectory for each draw, whatever becomes of it; ids that say what determined the work."""

from itertools import pairwise

from reasonflux.arrow import from_table, to_table
from reasonflux.config import SamplingConfig
from reasonflux.library.resolve import Resolver
from reasonflux.protocols import Outcome, Sampling
from reasonflux.reasoning.navigator import expand_draws, plan
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.records import Failure, Step, Trajectory
from tests.scripted import ScriptedGenerate
from tests.unit.reasoning.builders import library, problem

CONFIG = SamplingConfig(trajectories=3)
IDENTITY = {"navigator": "n", "prompts": "p", "library": "l"}
PROMPTS = PromptSet.load()
RESOLVER = Resolver(library("Complete the square", "Quadratic formula"))


def test_draws_are_distinct_and_repeatable() -> None:
    problems = [problem("a"), problem("b")]
    draws = expand_draws(problems, CONFIG, 0, IDENTITY)
    assert [(draw.problem.id, draw.index) for draw in draws] == [(key, index) for key in "ab" for index in range(3)]
    assert len({draw.id for draw in draws}) == len({draw.seed for draw in draws}) == 6
    assert expand_draws(problems, CONFIG, 0, IDENTITY) == draws


def test_whatever_determines_the_work_is_in_the_id() -> None:
    reworded = problem("a").__class__(id="a", text="other", gold="gold a", problem_set="set")
    variants = [
        expand_draws([problem("a")], CONFIG, 0, IDENTITY),
        expand_draws([reworded], CONFIG, 0, IDENTITY),
        expand_draws([problem("a")], CONFIG, 1, IDENTITY),
        expand_draws([problem("a")], CONFIG, 0, IDENTITY | {"navigator": "m"}),
        expand_draws([problem("a")], CONFIG.model_copy(update={"plan_format": "free"}), 0, IDENTITY),
        expand_draws([problem("a")], CONFIG.model_copy(update={"navigator": Sampling(temperature=0)}), 0, IDENTITY),
    ]
    assert len({draw.id for draws in variants for draw in draws}) == 18


def test_two_navigators_draw_with_common_random_numbers_and_a_new_round_with_new_ones() -> None:
    def seeds(round_number: int, navigator: str) -> list[int]:
        draws = expand_draws([problem("a")], CONFIG, round_number, IDENTITY | {"navigator": navigator})
        return [draw.seed for draw in draws]

    assert seeds(0, "n") == seeds(0, "m")
    assert not set(seeds(0, "n")) & set(seeds(1, "n"))


def test_more_trajectories_keep_the_ids_of_the_first() -> None:
    more = expand_draws([problem("a")], CONFIG.model_copy(update={"trajectories": 5}), 0, IDENTITY)
    assert more[:3] == expand_draws([problem("a")], CONFIG, 0, IDENTITY)


def test_what_was_done_for_rollouts_does_not_change_a_draw() -> None:
    other = CONFIG.model_copy(update={"rollouts_own": 9, "reasoner": Sampling(max_tokens=1)})
    assert expand_draws([problem("a")], other, 0, IDENTITY) == expand_draws([problem("a")], CONFIG, 0, IDENTITY)


async def test_every_draw_becomes_one_trajectory_in_order() -> None:
    draws = expand_draws([problem("a"), problem("b")], CONFIG, 4, IDENTITY)
    texts = iter(
        [
            "1. complete the square\n2. Quadratc formula: x",
            "no list",
            "1. Quadratic formula",
            "<think>1. cut",
            "1. A\n2.",
        ]
    )
    outcomes = {draws[3].id: Outcome.TRUNCATED, draws[4].id: Outcome.PROMPT_TOO_LONG, draws[5].id: Outcome.TRUNCATED}
    generate = ScriptedGenerate(lambda request: next(texts), outcomes, checkpoint="n")
    rows = await plan(draws, generate, PROMPTS, RESOLVER, CONFIG, checkpoint="n")

    assert [row.id for row in rows] == [draw.id for draw in draws]
    assert [(row.problem_id, row.index, row.round) for row in rows] == [(d.problem.id, d.index, 4) for d in draws]
    assert [row.status for row in rows] == ["done", "failed", "done", "failed", "failed", "done"]
    assert rows[0].plan == "1. Complete the square\n2. Quadratic formula: x"
    assert rows[0].in_library == 1
    assert rows[0].steps[1] == Step(
        name="Quadratic formula", written="Quadratc formula", template_id="id of Quadratic formula", instruction="x"
    )
    assert [row.failure.error if row.failure else None for row in rows] == [
        None,
        "unreadable_plan",
        None,
        "truncated",
        "prompt_too_long",
        None,
    ]
    assert rows[4].failure == Failure(stage="trajectories", error="prompt_too_long", message="scripted prompt_too_long")
    assert all(row.usage.checkpoint == "n" for row in rows)
    assert from_table(Trajectory, to_table(Trajectory, rows)) == rows


async def test_requests_carry_id_seed_sampling_prompt_and_checkpoint() -> None:
    draws = expand_draws([problem("a"), problem("b")], CONFIG, 0, IDENTITY)
    generate = ScriptedGenerate({"problem a": "1. A", "problem b": "1. B"})
    rows = await plan(draws, generate, PROMPTS, RESOLVER, CONFIG, checkpoint="digest")
    assert len(generate.calls) == 1
    for draw, request, row in zip(draws, generate.requests, rows, strict=True):
        assert (request.id, request.seed, request.checkpoint) == (draw.id, draw.seed, "digest")
        assert request.sampling == CONFIG.navigator
        assert request.messages == row.prompt == PROMPTS.render("navigator", problem=draw.problem)


async def test_a_free_plan_is_not_bound_to_the_library() -> None:
    config = CONFIG.model_copy(update={"plan_format": "free"})
    draws = expand_draws([problem("a")], config, 0, IDENTITY)
    generate = ScriptedGenerate(lambda request: "## 3. Strategy\nComplete the square.\n\n\nSolve.")
    rows = await plan(draws, generate, PROMPTS, RESOLVER, config)
    assert {row.plan for row in rows} == {"1. Complete the square.\n2. Solve."}
    assert {row.in_library for row in rows} == {0}
    assert all(one.prompt == other.prompt for one, other in pairwise(rows))
