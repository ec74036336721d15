"""A source of solved problems: solutions are read, and a benchmark is refused under any name (row L6)."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reasonflux.config import FieldNames, ProblemSource
from reasonflux.errors import BadInput
from reasonflux.problems.solved import check_solved
from reasonflux.problems.sources import read_solved

ROWS = [
    {"problem": f"Count the {word} pens.", "answer": "1", "solution": f"They are {word}."} for word in ("red", "old")
]


def source(path: Path, *rows: dict[str, Any]) -> ProblemSource:
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return ProblemSource(source="jsonl", path=str(path), fields=FieldNames(solution="solution"))


def test_solutions_come_with_their_problems(tmp_path: Path) -> None:
    mine = source(tmp_path / "mine.jsonl", *ROWS)
    assert [(problem.gold, solution) for problem, solution in read_solved(mine)] == [
        ("1", "They are red."),
        ("1", "They are old."),
    ]
    assert check_solved(mine)[0] == 2


def test_l6_a_benchmark_is_refused_by_name_and_by_content(tmp_path: Path, shared_data: Callable[[str], Path]) -> None:
    lines = shared_data("data/math500.jsonl").read_text(encoding="utf-8").splitlines()
    renamed = source(tmp_path / "mine.jsonl", *map(json.loads, lines[:40]))
    with pytest.raises(BadInput, match="of 40 problems 40 stand in benchmarks: 40 of math500"):
        check_solved(renamed)
    with pytest.raises(BadInput, match="is called after the benchmark math500"):
        check_solved(source(tmp_path / "MATH-500.jsonl", *ROWS))
    assert check_solved(renamed, allow_benchmark=True)[0] == 40


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"problem": "p", "answer": "1"}, "no column 'solution'"),
        ({"problem": "p", "answer": "1", "solution": ""}, "no problem with a solution"),
    ],
)
def test_a_source_without_solutions_is_refused(tmp_path: Path, row: dict[str, Any], told: str) -> None:
    with pytest.raises(BadInput, match=told):
        check_solved(source(tmp_path / "mine.jsonl", row))
    unnamed = ProblemSource(source="jsonl", path="mine.jsonl")
    with pytest.raises(BadInput, match=r"Set problems\.fields\.solution"):
        check_solved(unnamed)
