"""Problems out of any source, one at a time: memory does not grow with the source.

`skip` and `limit` count rows of the source, before any is left out. The two settings that leave rows out act here:
`skip_empty_gold`, and `skip_duplicates`, which alone remembers what it has seen (see `Seen`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePosixPath
from typing import Any, TypeVar

from reasonflux.config import ProblemSource
from reasonflux.errors import BadInput
from reasonflux.identity import digest
from reasonflux.problems.readers import READERS, Row, refuse_missing_columns
from reasonflux.records import Problem

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class NumberedProblem:
    """A problem and the number of its row; `text` and `gold` are empty where the source has none."""

    row: int
    problem: Problem
    solution: str = ""


def read_problems(source: ProblemSource, seed: int = 0) -> Iterator[Problem]:
    """The problems of a source, in its order, without the rows that the source's settings leave out.

    Raises `BadInput` for what cannot be read at all, and for a row without text, or without gold unless that is
    skipped. `checking.check_problems` says before a run everything that is wrong, with all row numbers.
    """
    return (numbered.problem for numbered in _kept(source, seed))


def read_solved(source: ProblemSource, seed: int = 0) -> Iterator[tuple[Problem, str]]:
    """The same problems, each with its solution, empty where a row has none; raises `BadInput` for a source of none."""
    if source.fields.solution is None:
        raise BadInput(f"{name_of(source)} names no solutions", "Set problems.fields.solution to their column")
    return ((numbered.problem, numbered.solution) for numbered in _kept(source, seed))


def _kept(source: ProblemSource, seed: int) -> Iterator[NumberedProblem]:
    seen = Seen(source)
    for numbered in read_rows(source, seed):
        problem = numbered.problem
        if not problem.text or not (problem.gold or source.skip_empty_gold):
            what = "text" if not problem.text else "gold answer"
            raise BadInput(f"{source.path}: row {numbered.row} has no {what}", "Mend or remove the row")
        if not problem.gold or (source.skip_duplicates and seen.before(numbered)):
            continue
        yield numbered


def read_rows(source: ProblemSource, seed: int = 0) -> Iterator[NumberedProblem]:
    """Every row of a source between `skip` and `limit` as a problem; raises `BadInput` for one that is none."""
    if source.source == "testbed":
        yield from _testbed(source, seed)
        return
    for count, (number, row) in enumerate(_window(source, READERS[source.source](source))):
        if count == 0:
            refuse_missing_columns(source, list(row))
        place = f"{source.path}: row {number}"
        solution = _text(row.get(source.fields.solution), f"{place}: solution") if source.fields.solution else ""
        yield NumberedProblem(row=number, problem=_problem(source, number, row), solution=solution)


def name_of(source: ProblemSource) -> str:
    """What a source's problem set is called: the file's name without its endings, the Hub's name, or "testbed"."""
    if source.source == "testbed":
        return "testbed"
    return source.path if source.source == "hub" else PurePosixPath(source.path).name.split(".")[0]


class Seen:
    """Texts met so far, and ids where the source has its own: a digest of 16 bytes each (200 bytes in CPython)."""

    def __init__(self, source: ProblemSource) -> None:
        self._has_ids = source.source == "testbed" or source.fields.id is not None
        self._rows: dict[bytes, int] = {}

    def before(self, numbered: NumberedProblem) -> int:
        """Row of the first problem with this one's id or text, blanks aside; 0, and remembered, when there is none."""
        problem = numbered.problem
        values = [("text", " ".join(problem.text.split()))] + ([("id", problem.id)] if self._has_ids else [])
        keys = [bytes.fromhex(digest(kind, value)) for kind, value in values]
        first = min((self._rows[key] for key in keys if key in self._rows), default=0)
        if not first:
            self._rows.update(dict.fromkeys(keys, numbered.row))
        return first


def _testbed(source: ProblemSource, seed: int) -> Iterator[NumberedProblem]:
    from reasonflux.testbed.world import generate_problems

    problems = generate_problems(source.count, source.split, seed, source.held_out)
    for row, problem in _window(source, enumerate(problems, start=1)):
        yield NumberedProblem(row=row, problem=problem)


def _window(source: ProblemSource, rows: Iterable[T]) -> Iterator[T]:
    """The rows after `skip`, `limit` of them at most."""
    return islice(rows, source.skip, None if source.limit is None else source.skip + source.limit)


def _problem(source: ProblemSource, number: int, row: Row) -> Problem:
    fields, place = source.fields, f"{source.path}: row {number}"

    def text(column: str | None) -> str:
        return "" if column is None else _text(row.get(column), f"{place}: {column}")

    statement, gold, name = text(fields.text), text(fields.gold), name_of(source)
    problem_id = text(fields.id) if fields.id else digest(name, statement, gold)
    if not problem_id:
        raise BadInput(f"{place}: {fields.id} is empty", "Name a column with an id in every row, or none")
    return Problem(
        id=problem_id,
        text=statement,
        gold=gold,
        problem_set=name,
        split=source.split,
        family=text(fields.family) or None,
        tags=_texts(row.get(fields.tags), f"{place}: {fields.tags}") if fields.tags else (),
        level=text(fields.level) or None,
    )


def _text(value: Any, place: str) -> str:
    """A value as text: numbers as written, nothing as "", a list of one as its only entry."""
    if isinstance(value, list | tuple) and len(value) == 1:
        value = value[0]
    if value is None or value != value:  # pandas writes NaN for nothing
        return ""
    if isinstance(value, bool | list | tuple | dict | bytes):
        kind = f"a list of {len(value)}" if isinstance(value, list | tuple) else type(value).__name__
        raise BadInput(f"{place} is {kind}, not one text or number", "Write one answer into the column")
    return str(value).strip()


def _texts(value: Any, place: str) -> tuple[str, ...]:
    items = value if isinstance(value, list | tuple) else [value]
    return tuple(text for text in (_text(item, place) for item in items) if text)
