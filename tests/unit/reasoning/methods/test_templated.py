"""E6: plans that no navigator wrote: known, retrieved, or drawn by lot."""

from collections.abc import Callable

import pytest

from reasonflux.errors import BadInput
from reasonflux.library.resolve import Resolver
from reasonflux.reasoning.methods.templated import Templated
from reasonflux.records import Problem, ThoughtTemplate
from tests.scripted import ScriptedGenerate
from tests.unit.reasoning.builders import library, problem, template
from tests.unit.reasoning.methods.doubles import plan_in, tools

ANSWER = {"": r"\boxed{5}"}
NAMES = ("Add", "Double", "Halve", "Square", "Subtract")


def known(*names: str) -> Callable[[Problem], tuple[str, ...]]:
    return lambda _: names


async def found(query: str, k: int) -> list[tuple[ThoughtTemplate, float]]:
    assert query == "problem p"
    return [(template(name), 1.0) for name in ("Double", "Square", "Halve")][:k]


async def test_the_reasoner_is_asked_once_with_the_templates_that_the_problem_s_source_names() -> None:
    generate = ScriptedGenerate(ANSWER)
    given = tools(generate, resolver=Resolver(library(*NAMES)), known=known("Halve", "Add"))
    solution = await Templated()(problem("p"), given)
    (asked,) = generate.requests
    assert plan_in(asked) == ["Halve", "Add"]
    assert (solution.answer, solution.failure) == ("5", None)
    assert [step.template_id for step in solution.steps] == ["id of Halve", "id of Add"]
    assert [exchange.role for exchange in solution.exchanges] == ["reasoner"]
    shown = await Templated(steps=True)(problem("p"), given)
    assert [step.instruction for step in shown.steps] == ["s", "s"]


async def test_controls_take_as_many_templates_as_are_known() -> None:
    resolver = Resolver(library(*NAMES))
    for plan in ("retrieved", "random"):
        for names, count in ((("Add", "Halve", "Square"), 3), ((), 2)):
            given = tools(ANSWER, resolver=resolver, retrieve=found, known=known(*names))
            solution = await Templated(plan=plan)(problem("p"), given)
            assert len(solution.steps) == count
            assert all(step.template_id == f"id of {step.name}" for step in solution.steps)


async def test_a_plan_by_lot_is_the_same_when_it_is_drawn_again_and_another_for_another_draw() -> None:
    plans = set()
    for draw in range(8):
        drawn = [
            await Templated(plan="random")(
                problem("p"), tools(ANSWER, resolver=Resolver(library(*NAMES)), draw=(draw,))
            )
            for _ in range(2)
        ]
        assert drawn[0].steps == drawn[1].steps
        plans.add(tuple(step.name for step in drawn[0].steps))
    assert len(plans) > 1


@pytest.mark.parametrize("plan", ["known", "retrieved", "random"])
async def test_a_problem_without_a_template_fails_and_asks_nobody(plan: str) -> None:
    generate = ScriptedGenerate(ANSWER)
    solution = await Templated(plan=plan)(problem("p"), tools(generate, known=None))  # type: ignore[arg-type]
    assert generate.requests == []
    assert solution.failure is not None
    assert (solution.failure.error, solution.failure.message) == (
        "no_template",
        f"no template is {plan} for this problem",
    )


def test_a_plan_of_an_unknown_origin_is_refused() -> None:
    with pytest.raises(BadInput, match="plan is 'guessed'"):
        Templated(plan="guessed")  # type: ignore[arg-type]
