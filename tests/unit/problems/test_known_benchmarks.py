"""Benchmarks are known by name and by content, edited or not."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from reasonflux.problems.known_benchmarks import benchmark_by_name, benchmark_of


@pytest.mark.parametrize(
    ("name", "benchmark"),
    [
        ("MATH-500", "math500"),
        ("HuggingFaceH4/MATH-500", "math500"),
        ("aime24_nofigures", "aime"),
        ("data/AMC23/test", "amc23"),
        ("math_train", None),
        ("mine", None),
    ],
)
def test_names(name: str, benchmark: str | None) -> None:
    assert benchmark_by_name(name) == benchmark


@pytest.mark.parametrize("name", ["math500", "aime24", "amc23", "olympiadbench", "gaokao2023en"])
def test_every_problem_is_known_by_its_content(name: str, shared_data: Callable[[str], Path]) -> None:
    rows = map(json.loads, shared_data(f"data/{name}.jsonl").read_text(encoding="utf-8").splitlines())
    texts = [row.get("problem") or row["question"] for row in rows]
    assert [text for text in texts if benchmark_of(text) is None] == []
    edited = [text for text in texts if len(text.split()) > 30]
    found = [benchmark_of(f"Solve. {text.upper()} Explain your answer.") for text in edited]
    assert None not in found


def test_other_problems_are_not_taken_for_a_benchmarks(shared_data: Callable[[str], Path]) -> None:
    rows = map(json.loads, shared_data("data/math_train.jsonl").read_text(encoding="utf-8").splitlines()[:2000])
    found = [benchmark_of(row["problem"]) for row in rows]
    assert sum(one is not None for one in found) < 0.02 * len(found)
    assert benchmark_of("") is None and benchmark_of("What is 1 + 1?") is None
