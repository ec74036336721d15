"""A decision in any words: go on, the plan anew, or other templates."""

import pytest

from reasonflux.reasoning.decisions import read_decision


@pytest.mark.parametrize(
    "text",
    [
        "continue",
        "Continue.",
        "**continue**",
        "",
        "The step is right.",
        "continue\n1. it is right\n2. go on",
        "<think>1. x",
    ],
)
def test_what_names_no_plan_and_no_query_goes_on(text: str) -> None:
    assert read_decision(text, "templates").action == "continue"


@pytest.mark.parametrize(
    "text",
    [
        "1. Add\n2. Halve",
        "<think>hm</think>\nThe plan is wrong.\n\n1) Add\n2) Halve",
        '```json\n{"steps": [{"template": "Add"}, {"template": "Halve"}]}\n```',
        "- **Add**\n- **Halve**",
    ],
)
def test_a_list_in_any_style_is_the_plan_anew(text: str) -> None:
    decision = read_decision(text, "templates")
    assert decision.action == "refine"
    assert [step.name for step in decision.steps] == ["Add", "Halve"]


@pytest.mark.parametrize(
    "text",
    ["retrieve: sums of squares", "No.\n> **Retrieve:** sums of squares", '{"retrieve": "sums of squares"}',
     '```json\n{"action": "retrieve", "query": " sums  of squares"}\n```'],
)  # fmt: skip
def test_a_query_is_read_from_a_line_or_from_json(text: str) -> None:
    decision = read_decision(text, "templates")
    assert (decision.action, decision.query) == ("retrieve", "sums of squares")


def test_prose_is_no_free_plan() -> None:
    assert read_decision("The step is right.\n\nGo on like this.", "free").action == "continue"
    assert [step.instruction for step in read_decision("1. add: both\n2. halve", "free").steps] == [
        "add: both",
        "halve",
    ]
