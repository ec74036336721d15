"""Released data sets are read in the formats that LLaMA-Factory reads them in."""

from typing import Any

import pytest

from reasonflux.errors import BadInput
from reasonflux.training.released import conversational

USER, PLAN, OTHER = (
    {"role": role, "content": text} for role, text in (("user", "x?"), ("assistant", "1. a"), ("assistant", "1. b"))
)
HUMAN = {"from": "human", "value": "x?"}
GPT = {"from": "gpt", "value": "1. a"}


@pytest.mark.parametrize(
    "row",
    [
        {"instruction": "x?", "input": "", "output": "1. a"},
        {"instruction": "x?", "output": "1. a", "system": None, "history": []},
        {"conversations": [HUMAN, GPT]},
        {"messages": [USER, PLAN], "id": 3},
        {"prompt": [USER], "completion": [PLAN]},
    ],
)
def test_v14_fine_tuning_rows_become_prompt_and_completion(row: dict[str, Any]) -> None:
    assert conversational(row) == {"prompt": [USER], "completion": [PLAN]}


@pytest.mark.parametrize(
    "row",
    [
        {"instruction": "x?", "input": "", "chosen": "1. a", "rejected": "1. b"},
        {"prompt": "x?", "chosen": "1. a", "rejected": "1. b"},
        {"conversations": [HUMAN], "chosen": GPT, "rejected": {"from": "gpt", "value": "1. b"}},
        {"messages": [USER], "chosen": [PLAN], "rejected": [OTHER]},
        {"prompt": [USER], "chosen": [PLAN], "rejected": [OTHER]},
    ],
)
def test_v14_preferences_become_prompt_chosen_and_rejected(row: dict[str, Any]) -> None:
    assert conversational(row) == {"prompt": [USER], "chosen": [PLAN], "rejected": [OTHER]}


def test_v14_instruction_and_input_are_one_question_behind_system_and_history() -> None:
    row = {"instruction": "Plan.", "input": "x?", "output": "1. a", "system": "s", "history": [["q", "r"]]}
    assert [(turn["role"], turn["content"]) for turn in conversational(row)["prompt"]] == [
        ("system", "s"),
        ("user", "q"),
        ("assistant", "r"),
        ("user", "Plan.\nx?"),
    ]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"question": "x?", "answer": "5"}, "columns answer, question"),
        ({"instruction": "x?"}, "columns instruction"),
        ({"conversations": [{"from": "robot", "value": "x"}]}, "from 'robot'"),
        ({"conversations": [HUMAN, {"from": "gpt", "value": None}]}, "from 'gpt'"),
    ],
)
def test_v14_a_row_of_no_known_format_is_named(row: dict[str, Any], told: str) -> None:
    with pytest.raises(BadInput, match=told):
        conversational(row)
