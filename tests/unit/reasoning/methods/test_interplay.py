"""Eq. 7 on a script: what is asked, in which order, what each decision changes, and what bounds it."""

import pytest

from reasonflux.errors import BadInput
from reasonflux.protocols import Outcome, Request
from reasonflux.reasoning.methods.interplay import Interplay
from reasonflux.records import Solution, ThoughtTemplate
from tests.scripted import ScriptedGenerate
from tests.unit.reasoning.builders import problem, template
from tests.unit.reasoning.methods.doubles import asked_for, plan_in, tools

WRONG = "1. Add\n2. Halve"
RIGHT = "1. Add\n2. Double\n3. Name"


class World:
    """A navigator with a first plan and a list of decisions, and a reasoner that says which steps it took."""

    def __init__(self, plan: str, *decisions: str) -> None:
        self.plan, self.decisions = plan, list(decisions)
        self.generate = ScriptedGenerate(self)

    def __call__(self, request: Request) -> str:
        match asked_for(request):
            case "navigator":
                return self.plan
            case "evaluate":
                return self.decisions.pop(0) if self.decisions else "continue"
            case _:
                return rf"\boxed{{{'+'.join(plan_in(request))}}}"

    async def solve(self, method: Interplay, **fields: object) -> Solution:
        return await method(problem("p"), tools(self.generate, **fields))

    @property
    def asked(self) -> list[str]:
        return [asked_for(request) for request in self.generate.requests]


async def test_i6_a_refined_plan_replaces_the_rest_and_keeps_what_is_done() -> None:
    world = World(WRONG, "continue", RIGHT)
    solution = await world.solve(Interplay(rounds=4))
    assert solution.answer == "Add+Double+Name"
    assert [step.name for step in solution.steps] == ["Add", "Double", "Name"]
    assert world.asked == ["navigator", *["step", "evaluate"] * 4]
    shown = [plan_in(request) for request in world.generate.requests if asked_for(request) == "step"]
    assert shown == [["Add"], ["Add", "Halve"], ["Add", "Double"], ["Add", "Double", "Name"]]
    assert [(one.round, one.done, one.action) for one in solution.decisions] == [
        (1, 1, "continue"),
        (2, 2, "refine"),
        (3, 2, "continue"),
        (4, 3, "continue"),
    ]
    assert solution.decisions[1].plan == RIGHT
    assert solution.rounds == 4


async def test_i6_a_plan_that_ends_where_it_stands_needs_no_further_step() -> None:
    solution = await World("1. Add\n2. Halve", "continue", "1. Add").solve(Interplay())
    assert solution.answer == "Add"
    assert [step.name for step in solution.steps] == ["Add"]


async def test_i6_the_same_plan_again_is_no_refinement() -> None:
    solution = await World(WRONG, WRONG).solve(Interplay())
    assert {one.action for one in solution.decisions} == {"continue"}


@pytest.mark.parametrize("rounds", [0, 1, 2])
async def test_rounds_bound_the_evaluations_and_the_rest_is_carried_out_in_one_go(rounds: int) -> None:
    world = World("1. A\n2. B\n3. C\n4. D")
    solution = await world.solve(Interplay(rounds=rounds))
    assert world.asked == ["navigator", *["step", "evaluate"] * rounds, "step"]
    assert solution.answer == "A+B+C+D"


async def test_spent_tokens_end_rounds_and_steps() -> None:
    world = World("1. A\n2. B\n3. C\n4. D")
    solution = await world.solve(Interplay(tokens=1))
    assert world.asked == ["navigator", "step"]
    assert solution.answer == "A+B+C+D"


async def test_a_navigator_that_refines_for_ever_is_stopped_by_the_rounds() -> None:
    world = World("1. A", *(f"1. A{number}\n2. B" for number in range(99)))
    solution = await world.solve(Interplay(rounds=7))
    assert solution.rounds == 7
    assert solution.answer == "A6+B"


async def test_a_plan_of_any_length_is_cut() -> None:
    world = World("\n".join(f"{number}. S" for number in range(1, 200)))
    solution = await world.solve(Interplay(rounds=0, steps=5))
    assert len(solution.steps) == 5


async def test_i6_r5_templates_are_shown_to_the_next_evaluation_and_each_further_retrieval_brings_one_more() -> None:
    asked: list[tuple[str, int]] = []

    async def retrieve(query: str, k: int) -> list[tuple[ThoughtTemplate, float]]:
        asked.append((query, k))
        return [(template(f"T{number}"), 1.0) for number in range(k)]

    world = World(WRONG, "retrieve: halves of sums", "**Retrieve:** more", "1. Add\n2. Split")
    solution = await world.solve(Interplay(templates=2), retrieve=retrieve)
    assert asked == [("halves of sums", 2), ("more", 3)]
    assert solution.retrieved == ("id of T0", "id of T1", "id of T2")
    assert [one.action for one in solution.decisions] == ["retrieve", "retrieve", "refine", "continue"]
    assert solution.answer == "Add+Split"


async def test_i6_without_a_retriever_asking_for_templates_goes_on() -> None:
    solution = await World(WRONG, "retrieve: x").solve(Interplay())
    assert [one.action for one in solution.decisions] == ["continue", "continue"]


async def test_a_retriever_that_breaks_is_the_solutions_failure() -> None:
    async def retrieve(query: str, k: int) -> list[tuple[ThoughtTemplate, float]]:
        raise OSError("no index")

    solution = await World(WRONG, "retrieve: x").solve(Interplay(), retrieve=retrieve)
    assert solution.failure is not None
    assert (solution.failure.error, solution.failure.message) == ("retrieval_failed", "OSError: no index")


async def test_a_plan_that_cannot_be_read_is_asked_for_twice_more_with_other_seeds() -> None:
    world = World("no list at all")
    solution = await world.solve(Interplay())
    assert world.asked == ["navigator"] * 3
    assert len({request.seed for request in world.generate.requests}) == 3
    assert solution.failure is not None
    assert solution.failure.error == "unreadable_plan"
    assert solution.answer is None


async def test_an_evaluation_that_is_not_answered_is_the_failure_and_keeps_what_there_is() -> None:
    world = World(WRONG)
    first = await world.solve(Interplay())
    evaluation = world.generate.requests[2].id
    world = World(WRONG)
    world.generate.outcomes[evaluation] = Outcome.PROMPT_TOO_LONG
    solution = await world.solve(Interplay())
    assert first.id == solution.id
    assert solution.failure is not None
    assert (solution.failure.stage, solution.failure.error) == ("evaluate", "prompt_too_long")
    assert solution.answer == "Add"
    assert [exchange.outcome for exchange in solution.exchanges] == ["stopped", "stopped", "prompt_too_long"]


async def test_no_state_survives_a_problem() -> None:
    world = World(WRONG, "continue", RIGHT)
    method = Interplay()
    first = await world.solve(method)
    world.decisions = ["continue", RIGHT]
    assert (await world.solve(method)).exchanges == first.exchanges


def test_settings_below_their_least_are_refused() -> None:
    with pytest.raises(BadInput, match="method interplay: rounds is -1"):
        Interplay(rounds=-1)
