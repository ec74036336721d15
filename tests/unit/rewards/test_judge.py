"""The LLM judge: an opinion beside the grader, never the solver's own."""

from collections.abc import Sequence

import pytest

from reasonflux.errors import BadInput
from reasonflux.protocols import Completion, Outcome, Request
from reasonflux.rewards.judge import check_judge, judge, judge_prompts
from tests.scripted import ScriptedGenerate


async def test_opinions_come_in_order_and_equal_answers_are_judged_once() -> None:
    generate = ScriptedGenerate({"answer:\nfour": "Same.", "answer:\n5": "**different**", "answer:\nhm": "Well, it"})
    items = [("2 + 2?", "4", answer) for answer in ("four", "5", "hm", "four")]
    opinions = await judge(items, generate, judge_prompts(), "digest of the judge")
    assert opinions == ["correct", "wrong", "unreadable", "correct"]
    assert len(generate.requests) == 3
    assert {request.checkpoint for request in generate.requests} == {"digest of the judge"}
    assert await judge([], generate, judge_prompts(), "j") == []


async def test_a_judge_that_does_not_answer_has_no_opinion() -> None:
    asked: list[Request] = []

    async def broken(requests: Sequence[Request]) -> list[Completion]:
        asked.extend(requests)
        failing = ScriptedGenerate({}, {request.id: Outcome.ENGINE_ERROR for request in requests})
        return await failing(requests)

    assert await judge([("2 + 2?", "4", "4")], broken, judge_prompts(), "j") == ["unreadable"]
    assert len(asked) == 1


def test_the_solver_does_not_judge_itself() -> None:
    check_judge("judge", ["navigator", "reasoner"])
    with pytest.raises(BadInput, match="the judge is one of the models that it would judge"):
        check_judge("reasoner", ["navigator", "reasoner"])
