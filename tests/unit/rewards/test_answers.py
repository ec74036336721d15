"""The graders against a table of answers whose verdict is known, each line by hand; `answers.jsonl` says why."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from reasonflux.errors import BadInput
from reasonflux.reasoning.spelling import cleaned
from reasonflux.rewards.answer_list import elements, split_unit
from reasonflux.rewards.choice import letter_of, read_choice
from reasonflux.rewards.graders import GRADERS, grade_text

TABLE = [json.loads(line) for line in Path(__file__).with_name("answers.jsonl").read_text("utf-8").splitlines()]
RIGHT = 0.995


def judged(row: dict[str, Any]) -> bool:
    return _judged(row.get("text", rf"\boxed{{{row.get('answer')}}}"), row["gold"], row["grader"])


@cache
def _judged(text: str, gold: str, grader: str) -> bool:
    return grade_text(text, gold, GRADERS[grader])[0] == "correct"


@pytest.mark.slow
def test_the_graders_judge_at_least_995_of_1000_answers_as_people_do() -> None:
    wrong = [row for row in TABLE if judged(row) != row["correct"]]
    assert len(TABLE) >= 300
    assert {row["grader"] for row in TABLE} == set(GRADERS)
    assert len(wrong) <= (1 - RIGHT) * len(TABLE), wrong


@pytest.mark.parametrize(
    "row", [row for row in TABLE if "why" in row], ids=lambda row: f"{row['grader']}: {row['why']}"[:60]
)
def test_no_answer_that_is_there_for_a_reason_is_misjudged(row: dict[str, Any]) -> None:
    assert judged(row) is row["correct"]


@pytest.mark.parametrize(
    ("grader", "gold"), [("integer", "1000"), ("integer", "2.5"), ("integer", ""), ("choice", "AB"), ("list", " ")]
)
def test_a_gold_that_a_grader_cannot_take_raises(grader: str, gold: str) -> None:
    with pytest.raises(BadInput, match="gold answer"):
        GRADERS[grader].grade("1", gold)


def test_lists_are_split_outside_brackets_and_numbers_stay_whole() -> None:
    assert elements("(1,2), [3,4), 5,6") == ["(1,2)", "[3,4)", "5", "6"]
    assert elements("1,234,567") == ["1,234,567"]
    assert elements(r"a \pm b") == ["a + b", "a - b"]
    assert elements(r"\{x \mid x > 1, x < 2\}") == [r"\{x \mid x > 1, x < 2\}"]
    assert elements(")1,2(") == [")1", "2("]


def test_units_have_one_name_and_their_power() -> None:
    assert split_unit(r"20 \text{ cm}^{2}") == ("20", "cm2")
    assert split_unit(r"45^{\circ}") == ("45", "degree")
    assert split_unit(r"2 \text{ apples}") == (r"2 \text{ apples}", "")


def test_a_choice_is_one_letter_or_none() -> None:
    assert letter_of(r"\textbf{(C)}") == "C"
    assert letter_of("(A) 5 or (B) 6") is None
    assert read_choice("No idea.") is None


def test_lists_are_split_as_olympiadbench_itself_counts_its_answers(shared_data: Callable[[str], Path]) -> None:
    rows = [json.loads(line) for line in shared_data("data/olympiadbench.jsonl").read_text("utf-8").splitlines()]
    apart = [
        row["final_answer"][0]
        for row in rows
        if row["is_multiple_answer"] != (len(elements(cleaned(row["final_answer"][0]))) > 1)
    ]
    assert apart == [  # two points that the set calls several answers, and a pair of functions that it calls one
        "$f(n)=n$, $g(n)=1$",
        r"$(-\frac{1}{2}, \frac{7}{2})$",
        r"$(\frac{1}{4}, \frac{1}{27})$",
    ]
