"""Problems out of any source, one at a time: memory does not grow with the source.

A row's number counts from 1: the line of a JSONL file, the row of anything else. `limit` counts rows of the source,
before any is left out. The two settings that leave rows out act here: `skip_empty_gold`, and `skip_duplicates`, which
alone remembers 16 bytes for each id and text seen.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

import fsspec

from reasonflux.config import FieldNames, ProblemSource
from reasonflux.errors import BadInput
from reasonflux.identity import digest
from reasonflux.records import Problem

PARQUET_ROWS = 1_024  # rows held of a Parquet file

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class NumberedProblem:
    """A problem and the number of its row; `gold` is empty where the source has none."""

    row: int
    problem: Problem


def read_problems(source: ProblemSource, seed: int = 0) -> Iterator[Problem]:
    """The problems of a source, in its order, without the rows that the source's settings leave out.

    Raises `BadInput` for what cannot be read at all, and for a row without text, or without gold unless that is
    skipped. `checking.check_problems` says before a run everything that is wrong, with all row numbers.
    """
    seen = Seen()
    for numbered in read_rows(source, seed):
        problem = numbered.problem
        if not problem.text or not (problem.gold or source.skip_empty_gold):
            what = "text" if not problem.text else "gold answer"
            raise BadInput(f"{name_of(source)}: row {numbered.row} has no {what}", "Mend or remove the row")
        if not problem.gold or (source.skip_duplicates and seen.before(numbered)):
            continue
        yield problem


def read_rows(source: ProblemSource, seed: int = 0) -> Iterator[NumberedProblem]:
    """Every row of a source up to `limit` as a problem, none left out; raises `BadInput` for one that is none."""
    if source.source == "testbed":
        yield from _testbed(source, seed)
        return
    rows = READERS[source.source](source)
    for number, row in islice(rows, source.limit):
        yield NumberedProblem(row=number, problem=_problem(source, number, row))


def name_of(source: ProblemSource) -> str:
    """What a source's problem set is called: the file's name without its endings, the Hub's name, or "testbed"."""
    if source.source == "testbed":
        return "testbed"
    return source.path if source.source == "hub" else PurePosixPath(source.path).name.split(".")[0]


@dataclass
class Seen:
    """Ids and texts met so far: 16 bytes each, and the row where each stood first."""

    _rows: dict[bytes, int] = field(default_factory=dict)

    def before(self, numbered: NumberedProblem) -> int:
        """Row of the first problem with this one's id or text; 0 when there is none, and the problem is remembered."""
        problem = numbered.problem
        keys = [bytes.fromhex(digest(kind, value)) for kind, value in (("id", problem.id), ("text", problem.text))]
        first = min((self._rows[key] for key in keys if key in self._rows), default=0)
        if not first:
            self._rows.update(dict.fromkeys(keys, numbered.row))
        return first


def _testbed(source: ProblemSource, seed: int) -> Iterator[NumberedProblem]:
    from reasonflux.testbed.world import generate_problems

    problems = generate_problems(source.count, source.split, seed, source.held_out)
    for row, problem in enumerate(islice(problems, source.limit), start=1):
        yield NumberedProblem(row=row, problem=problem)


def _jsonl(source: ProblemSource) -> Iterator[tuple[int, Row]]:
    try:
        with fsspec.open(source.path, "rb", compression="infer") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, _json_row(source, number, line)
    except OSError as error:
        raise _unreadable(source, error) from error


def _json_row(source: ProblemSource, number: int, line: bytes) -> Row:
    """One line's object, with numbers as they are written: 27.0 stays "27.0"."""
    try:
        row = json.loads(line.decode("utf-8-sig"), parse_float=str, parse_int=str)
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{source.path}: line {number} is not UTF-8 ({error.reason})", "Save the file as UTF-8"
        ) from error
    except (ValueError, RecursionError) as error:
        raise BadInput(
            f"{source.path}: line {number} is not JSON ({error})", "Put one JSON object on each line"
        ) from error
    if not isinstance(row, dict):
        raise BadInput(f"{source.path}: line {number} is not a JSON object", "Put one JSON object on each line")
    return row


def _parquet(source: ProblemSource) -> Iterator[tuple[int, Row]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with fsspec.open(source.path, "rb") as file:
            parquet = pq.ParquetFile(file)
            _refuse_missing_columns(source, 1, parquet.schema_arrow.names)
            columns = sorted(set(_named(source.fields).values()))
            batches = parquet.iter_batches(batch_size=PARQUET_ROWS, columns=columns)
            yield from enumerate((row for batch in batches for row in batch.to_pylist()), start=1)
    except pa.ArrowException as error:
        raise BadInput(f"{source.path} is not Parquet ({error})", "Set problems.source to the file's format") from error
    except OSError as error:
        raise _unreadable(source, error) from error


def _hub(source: ProblemSource) -> Iterator[tuple[int, Row]]:
    import datasets

    try:
        stream = datasets.load_dataset(source.path, split=source.split, revision=source.revision, streaming=True)
        yield from enumerate(stream, start=1)
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        raise _unreadable(source, error) from error


READERS: dict[str, Callable[[ProblemSource], Iterator[tuple[int, Row]]]] = {
    "jsonl": _jsonl,
    "parquet": _parquet,
    "hub": _hub,
}


def _unreadable(source: ProblemSource, error: Exception) -> BadInput:
    if isinstance(error, FileNotFoundError):
        return BadInput(f"there is no {source.path}", "Check problems.path; it is a path or URI, or a name on the Hub")
    reason = " ".join(str(error).split()) or type(error).__name__
    return BadInput(f"{source.path} cannot be read: {reason}", "Check problems.path, and who may read it")


def _named(fields: FieldNames) -> dict[str, str]:
    """Columns of the source by the field that they fill."""
    return {name: column for name, column in fields.model_dump().items() if column is not None}


def _refuse_missing_columns(source: ProblemSource, number: int, present: list[str]) -> None:
    for name, column in _named(source.fields).items():
        if column not in present:
            raise BadInput(
                f"{source.path}: row {number} has no column {column!r}; it has {', '.join(map(repr, sorted(present)))}",
                f"Set problems.fields.{name} to one of them",
            )


def _problem(source: ProblemSource, number: int, row: Row) -> Problem:
    if number == 1:
        _refuse_missing_columns(source, number, list(row))
    fields, place = source.fields, f"{source.path}: row {number}"

    def text(column: str | None) -> str:
        return "" if column is None else _text(row.get(column), f"{place}: {column}")

    statement, gold, name = text(fields.text), text(fields.gold), name_of(source)
    return Problem(
        id=text(fields.id) or digest(name, statement, gold),
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
    if value is None:
        return ""
    if isinstance(value, bool | list | tuple | dict | bytes):
        kind = f"a list of {len(value)}" if isinstance(value, list | tuple) else type(value).__name__
        raise BadInput(f"{place} is {kind}, not one text or number", "Write one answer into the column")
    return str(value).strip()


def _texts(value: Any, place: str) -> tuple[str, ...]:
    items = value if isinstance(value, list | tuple) else [value]
    return tuple(text for text in (_text(item, place) for item in items) if text)
