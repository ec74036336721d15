"""One pass of navigator and reasoner, in v1's and v2's formats."""

import pytest

from reasonflux.errors import BadInput
from reasonflux.library.resolve import Resolver
from reasonflux.reasoning.methods.direct import Direct
from reasonflux.reasoning.methods.guided import Guided
from reasonflux.reasoning.prompt_set import PromptSet
from tests.scripted import ScriptedGenerate
from tests.unit.reasoning.builders import library, problem
from tests.unit.reasoning.methods.doubles import tools

PROPOSAL = """### 1. Problem abstraction and generalisation
ABSTRACTION
### 2. Special conditions and applicability
CONDITIONS
### 3. High‑level solution strategy
1. bring it to a square
2. read the least value off"""


async def test_v1_v2_only_the_strategy_of_a_proposal_goes_to_the_reasoner() -> None:
    generate = ScriptedGenerate({"Write a proposal": PROPOSAL, "Solve the problem": r"\boxed{-9}"})
    solution = await Guided()(problem("p"), tools(generate, prompts=PromptSet.load("v2"), plan_format="free"))
    given = generate.requests[1].messages[0].content
    assert "1. bring it to a square\n2. read the least value off" in given
    assert "ABSTRACTION" not in given and "CONDITIONS" not in given
    assert solution.answer == "-9"
    assert [step.instruction for step in solution.steps] == ["bring it to a square", "read the least value off"]


async def test_the_steps_of_a_plan_are_bound_to_the_library() -> None:
    generate = ScriptedGenerate({"Plan how": "1. complete the sqare", "Apply": r"\boxed{1}"})
    resolver = Resolver(library("Complete the square"))
    solution = await Guided()(problem("p"), tools(generate, resolver=resolver))
    assert solution.steps[0].template_id == "id of Complete the square"
    assert "1. Complete the square" in generate.requests[1].messages[0].content


async def test_an_answer_is_read_from_what_was_said_and_is_none_where_none_was() -> None:
    assert (await Direct()(problem("p"), tools({"": r"<think>\boxed{1}</think> so \boxed{2}"}))).answer == "2"
    silent = await Direct()(problem("p"), tools({"": "who knows"}))
    assert (silent.answer, silent.failure) == (None, None)


async def test_v12_without_a_plan_a_problem_fails_or_falls_back_in_the_open() -> None:
    script = {"Plan how": "no list", "Solve": r"\boxed{2}"}
    failed = await Guided()(problem("p"), tools(script))
    assert failed.failure is not None
    fallen_back = await Guided(without_plan="direct")(problem("p"), tools(script))
    assert (fallen_back.answer, fallen_back.failure) == ("2", None)
    assert [exchange.purpose for exchange in fallen_back.exchanges] == [*["navigator"] * 3, "direct"]
    with pytest.raises(BadInput, match="without_plan is 'hope'"):
        Guided(without_plan="hope")  # type: ignore[arg-type]
