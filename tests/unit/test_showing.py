"""A solution as text that a person can follow, and as values that JSON holds."""

import json

from reasonflux.records import Decision, Exchange, Failure, Message, Solution, Step, Usage


def exchange(role: str, purpose: str, text: str, outcome: str = "stopped") -> Exchange:
    prompt = (Message(role="user", content="?"),)
    usage = Usage(prompt_tokens=10, output_tokens=2)
    return Exchange(role=role, purpose=purpose, prompt=prompt, text=text, outcome=outcome, message="", usage=usage)


SOLUTION = Solution(
    id="s",
    problem_id="p",
    method="interplay",
    answer="5",
    steps=(Step(name="Total of two parts", written="total", instruction="add [bold]both"),),
    exchanges=(
        exchange("navigator", "navigator", "1. Total"),
        exchange("reasoner", "step", "2+3=5 \x1b[31mred"),
        exchange("navigator", "evaluate", "1. Total of two parts"),
        exchange("reasoner", "step", r"\boxed{5}", outcome="truncated"),
    ),
    decisions=(Decision(round=1, done=1, action="refine", reason="x", plan="1. Total of two parts"),),
    retrieved=("t1",),
    seconds=1.26,
    verdict="correct",
)


def test_e8_the_print_out_tells_plan_steps_decisions_answer_and_cost_in_their_order() -> None:
    text = str(SOLUTION)
    told = (
        "1. Total of two parts: add [bold]both",
        "navigator · navigator · 10 + 2 tokens",
        "reasoner · step",
        "2+3=5 \\x1b[31mred",
        "round 1, after 1 step: refine",
        "truncated",
        r"\boxed{5}",
        "t1",
        "answer: 5",
        "verdict: correct",
        "interplay: 1 rounds, 4 requests, 1.3 s; navigator 24 tokens; reasoner 24 tokens",
    )
    places = [text.index(part) for part in told]
    assert places == sorted(places)
    assert "\x1b" not in text


def test_a_failure_is_told_with_its_reason() -> None:
    failure = Failure(stage="step", error="prompt_too_long", message="9 tokens")
    text = str(Solution(**{**SOLUTION.__dict__, "answer": None, "failure": failure}))
    assert "no answer" in text
    assert "failed at step: prompt_too_long: 9 tokens" in text


def test_to_dict_is_json_with_rounds_and_tokens_by_role() -> None:
    values = json.loads(json.dumps(SOLUTION.to_dict()))
    assert values["tokens"] == {"navigator": {"prompt": 20, "output": 4}, "reasoner": {"prompt": 20, "output": 4}}
    assert values["rounds"] == 1
    assert values["exchanges"][3]["outcome"] == "truncated"
    assert values["steps"][0]["instruction"] == "add [bold]both"
