"""The whole of v1's inference on its own prompts: plan, adjust, instruct, instantiate, evaluate, answer."""

import json
from typing import Any

from reasonflux.library.resolve import Resolver
from reasonflux.protocols import Request, Sampling
from reasonflux.reasoning.methods.interplay import Interplay
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.records import Solution, ThoughtTemplate
from tests.scripted import ScriptedGenerate
from tests.unit.reasoning.builders import library, problem
from tests.unit.reasoning.methods.doubles import tools

PLAN = {
    "problem": "least value",
    "general_knowledge_category": "algebra",
    "specific_direction": "quadratics",
    "applied_method": "completing the square",
    "examined_knowledge": ["squares"],
    "reason_flow": ["Complete the square: turn it", "Read off: the least value"],
}
STARTS = {
    "You plan how": "navigator",
    "Below are a plan": "adjust",
    "You lead": "instruct",
    "You solve a problem step": "step",
    "You planned": "evaluate",
    "The steps of a solution": "answer",
}
TEXTS = {
    "navigator": f"<think>1. not this\n2. nor this</think>\n```json\n{json.dumps(PLAN)}\n```",
    "adjust": "1. Complete the square: turn it into a square\n2. Read off: the least value",
    "instruct": "Do just this.",
    "step": "RESULT",
    "evaluate": "continue",
    "answer": r"So \boxed{-9}",
}


def asked_for(request: Request) -> str:
    return next(name for start, name in STARTS.items() if request.messages[0].content.startswith(start))


async def retrieve(query: str, k: int) -> list[tuple[ThoughtTemplate, float]]:
    return [(one, 0.9) for one in library("Complete the square", "Read off").templates if one.name in query][:k]


async def interplay(**texts: str) -> tuple[Solution, list[tuple[str, str]]]:
    """The solution, and what was asked: the prompt's name and its text."""
    generate = ScriptedGenerate(lambda request: (TEXTS | texts)[asked_for(request)])
    fields: dict[str, Any] = {
        "prompts": PromptSet.load("v1"),
        "resolver": Resolver(library("Complete the square", "Read off")),
        "retrieve": retrieve,
    }
    solution = await Interplay()(problem("p"), tools(generate, **fields))
    return solution, [(asked_for(request), request.messages[0].content) for request in generate.requests]


async def test_i1_to_i7_are_asked_for_in_their_order() -> None:
    solution, asked = await interplay()
    each_step = ["instruct", "step", "evaluate"]
    assert [name for name, _ in asked] == ["navigator", "adjust", *each_step, *each_step, "answer"]
    assert [exchange.role for exchange in solution.exchanges] == [
        *("navigator", "navigator"),
        *("navigator", "reasoner", "navigator") * 2,
        "reasoner",
    ]
    assert solution.answer == "-9"


async def test_i3_the_plan_is_the_reason_flow_behind_the_think_part() -> None:
    solution, _ = await interplay(adjust="no list, so nothing changes")
    assert [(step.name, step.instruction) for step in solution.steps] == [
        ("Complete the square", "turn it"),
        ("Read off", "the least value"),
    ]
    assert all(step.template_id for step in solution.steps)


async def test_i2_r3_the_flow_is_adjusted_to_a_template_for_each_step() -> None:
    solution, asked = await interplay()
    assert "1. Complete the square ()" in asked[1][1]
    assert "2. Read off ()" in asked[1][1]
    assert solution.retrieved == ("id of Complete the square", "id of Read off")
    assert solution.steps[0].instruction == "turn it into a square"


async def test_i4_each_step_is_instructed_by_the_navigator_under_its_own_number() -> None:
    _, asked = await interplay()
    instructed = [text for name, text in asked if name == "instruct"]
    assert ["instruction for step 1" in instructed[0], "instruction for step 2" in instructed[1]] == [True, True]
    assert all("Do just this." in text for name, text in asked if name == "step")


async def test_i5_each_instantiation_sees_all_results_before_it() -> None:
    texts = iter(["FIRST", "SECOND"])
    generate = ScriptedGenerate(
        lambda request: next(texts) if asked_for(request) == "step" else TEXTS[asked_for(request)]
    )
    await Interplay()(problem("p"), tools(generate, prompts=PromptSet.load("v1")))
    steps = [request.messages[0].content for request in generate.requests if asked_for(request) == "step"]
    assert "FIRST" not in steps[0]
    assert "FIRST" in steps[1]
    last = generate.requests[-1].messages[0].content
    assert "FIRST" in last and "SECOND" in last


async def test_i7_without_an_answer_in_the_last_text_there_is_none() -> None:
    solution, _ = await interplay(answer="I do not know")
    assert solution.answer is None
    assert solution.failure is None


async def test_i8_one_generate_can_serve_both_roles_and_is_told_apart_in_the_books() -> None:
    solution, _ = await interplay()
    assert sum(solution.tokens("navigator")) + sum(solution.tokens("reasoner")) == sum(solution.tokens())


async def test_i9_v3_each_role_is_sampled_as_it_is_set() -> None:
    generate = ScriptedGenerate(lambda request: TEXTS[asked_for(request)])
    base = tools(generate, prompts=PromptSet.load("v1"))
    sampled = Sampling(temperature=0.6, top_p=0.95, max_tokens=3072)
    proposer = Sampling(temperature=0.7, top_p=0.8, top_k=20, presence_penalty=1.5, max_tokens=16384)
    roles = {"navigator": proposer, "reasoner": sampled}
    changed = {name: getattr(base, name).__class__(generate=generate, sampling=one) for name, one in roles.items()}
    await Interplay()(problem("p"), tools(generate, prompts=PromptSet.load("v1"), **changed))
    used = {asked_for(request): request.sampling for request in generate.requests}
    assert used["step"] == used["answer"] == sampled
    assert used["navigator"] == used["evaluate"] == used["instruct"] == proposer
