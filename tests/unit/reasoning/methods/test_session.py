"""What every method owes: its identity, its books, the gold answer unseen, and a failure in place of an exception."""

from dataclasses import replace

import pytest

from reasonflux.protocols import Outcome, Sampling
from reasonflux.reasoning.methods import METHODS, Method, Role, Tools
from reasonflux.reasoning.methods.direct import Direct
from reasonflux.reasoning.methods.guided import Guided
from reasonflux.reasoning.methods.interplay import Interplay
from reasonflux.reasoning.methods.session import solution_id
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.records import Decision, Exchange, Problem
from tests.scripted import ScriptedGenerate
from tests.unit.reasoning.builders import problem
from tests.unit.reasoning.methods.doubles import PLAIN, tools

SCRIPT = {"Plan how": "1. Add", "Judge": "continue", "": r"It is \boxed{5}"}


def test_every_method_stands_under_its_own_name() -> None:
    assert {name: method.name for name, method in METHODS.items()} == {name: name for name in METHODS}


@pytest.mark.parametrize("name", METHODS)
async def test_no_method_shows_the_gold_answer_to_a_model(name: str) -> None:
    generate = ScriptedGenerate(SCRIPT)
    await METHODS[name]()(replace(problem("p"), gold="the gold"), tools(generate))
    assert generate.requests
    assert not any("the gold" in message.content for request in generate.requests for message in request.messages)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("outcome", [Outcome.ENGINE_ERROR, Outcome.BAD_REQUEST, Outcome.WRONG_CHECKPOINT])
async def test_v12_a_request_that_is_not_answered_is_a_failure_with_its_reason(name: str, outcome: Outcome) -> None:
    generate = ScriptedGenerate(SCRIPT)
    await METHODS[name]()(problem("p"), tools(generate))
    failing = ScriptedGenerate(SCRIPT, outcomes=dict.fromkeys((one.id for one in generate.requests), outcome))
    solution = await METHODS[name]()(problem("p"), tools(failing))
    assert solution.failure is not None
    assert (solution.failure.error, solution.failure.message) == (outcome, f"scripted {outcome}")
    assert solution.answer is None


@pytest.mark.parametrize("name", METHODS)
async def test_an_empty_problem_asks_nothing_and_fails(name: str) -> None:
    generate = ScriptedGenerate(SCRIPT)
    solution = await METHODS[name]()(replace(problem("p"), text=" \n"), tools(generate))
    assert generate.requests == []
    assert solution.failure is not None
    assert solution.failure.error == "empty_problem"


async def test_tokens_are_summed_by_role() -> None:
    navigator = Role(generate=ScriptedGenerate({"": "1. Add"}), sampling=Sampling())
    reasoner = Role(generate=ScriptedGenerate({"": r"a b \boxed{5}"}), sampling=Sampling())
    solution = await Guided()(problem("p"), tools({}, navigator=navigator, reasoner=reasoner))
    asked = [sum(len(message.content.split()) for message in one.prompt) for one in solution.exchanges]
    assert solution.tokens("navigator") == (asked[0], 2)
    assert solution.tokens("reasoner") == (asked[1], 3)
    assert solution.tokens() == (sum(asked), 5)
    assert [(one.role, one.purpose) for one in solution.exchanges] == [
        ("navigator", "navigator"),
        ("reasoner", "reasoner"),
    ]


async def test_whatever_is_told_happens_in_order() -> None:
    seen: list[Exchange | Decision] = []
    solution = await Interplay(rounds=1)(problem("p"), tools(SCRIPT, observe=seen.append))
    assert [one for one in seen if isinstance(one, Exchange)] == list(solution.exchanges)
    assert [one for one in seen if isinstance(one, Decision)] == list(solution.decisions)


def test_whatever_determines_a_solution_is_in_its_id() -> None:
    base, one = tools(SCRIPT), problem("p")
    other_role = replace(base.navigator, checkpoint="other")
    variants: list[tuple[Method, Problem, Tools]] = [
        (Interplay(), one, base),
        (Interplay(rounds=3), one, base),
        (Guided(), one, base),
        (Direct(), one, base),
        (Interplay(), replace(one, text="reworded"), base),
        (Interplay(), one, replace(base, draw=(1,))),
        (Interplay(), one, replace(base, draw=(0, 0))),
        (Interplay(), one, replace(base, navigator=other_role)),
        (Interplay(), one, replace(base, reasoner=replace(base.reasoner, sampling=Sampling(temperature=0)))),
        (Interplay(), one, replace(base, plan_format="free")),
        (Interplay(), one, replace(base, prompts=PromptSet({**PLAIN.sources, "step": "other"}))),
    ]
    assert len({solution_id(method, of, using) for method, of, using in variants}) == len(variants)


def test_prompts_that_a_method_does_not_use_leave_its_id_alone() -> None:
    base = tools(SCRIPT)
    other = replace(base, prompts=PromptSet({**PLAIN.sources, "step": "other"}))
    assert solution_id(Direct(), problem("p"), base) == solution_id(Direct(), problem("p"), other)


async def test_requests_expect_their_roles_checkpoint_and_have_distinct_ids_and_seeds() -> None:
    generate = ScriptedGenerate({"Plan how": "1. A\n2. B", "Judge": "continue", "": "x"})
    role = Role(generate=generate, sampling=Sampling(), checkpoint="navigator digest")
    await Interplay()(problem("p"), tools(generate, navigator=role))
    asked = generate.requests
    assert {request.checkpoint for request in asked} == {"navigator digest", None}
    assert len({request.id for request in asked}) == len({request.seed for request in asked}) == len(asked) == 5
