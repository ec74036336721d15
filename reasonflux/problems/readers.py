"""Rows out of files and the Hub, one at a time, each with its number.

Numbers count from 1: the line of a JSONL file, the row of anything else. What cannot be read is `BadInput`.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from reasonflux.config import FieldNames, ProblemSource
from reasonflux.errors import BadInput
from reasonflux.inputs import open_input

PARQUET_ROWS = 1_024  # rows held of a Parquet file
ONE_OBJECT = "Put one JSON object on each line"

Row = Mapping[str, Any]
NumberedRow = tuple[int, Row]


def read_jsonl(source: ProblemSource, whole: bool = False) -> Iterator[NumberedRow]:
    """The objects of a JSONL file; blank lines count, and are left out."""
    with open_input(source.path, "problems.path") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield number, _object(f"{source.path}: line {number}", line)


def read_parquet(source: ProblemSource, whole: bool = False) -> Iterator[NumberedRow]:
    """The rows of a Parquet file: of the columns those named, or, with `whole`, all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with open_input(source.path, "problems.path") as file:
        try:
            parquet = pq.ParquetFile(file)
            columns = None
            if not whole:
                refuse_missing_columns(source, parquet.schema_arrow.names)
                columns = sorted(set(named_columns(source.fields).values()))
            batches = parquet.iter_batches(batch_size=PARQUET_ROWS, columns=columns)
            yield from enumerate((row for batch in batches for row in batch.to_pylist()), start=1)
        except pa.ArrowException as error:
            raise BadInput(
                f"{source.path} is not Parquet: {_line(error)}", "Set problems.source to its format"
            ) from error


def read_hub(source: ProblemSource, whole: bool = False) -> Iterator[NumberedRow]:
    """The rows of a dataset on the Hub, or in a folder, streamed by `datasets`."""
    import datasets

    try:
        stream = datasets.load_dataset(
            source.path, source.subset, split=source.split, revision=source.revision, streaming=True
        )
        yield from enumerate(stream, start=1)
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        remedy = "Check problems.path, problems.split and problems.revision, and who may read it"
        raise BadInput(f"dataset {source.path} cannot be read: {_line(error)}", remedy) from error


READERS: dict[str, Callable[..., Iterator[NumberedRow]]] = {
    "jsonl": read_jsonl,
    "parquet": read_parquet,
    "hub": read_hub,
}


def named_columns(fields: FieldNames) -> dict[str, str]:
    """Columns of the source by the field that they fill."""
    return {name: column for name, column in fields.model_dump().items() if column is not None}


def refuse_missing_columns(source: ProblemSource, present: list[str]) -> None:
    """Raises `BadInput` for the first column named that the source does not have, with those that it has."""
    for name, column in named_columns(source.fields).items():
        if column not in present:
            there = ", ".join(map(repr, sorted(present))) or "none"
            remedy = f"Set problems.fields.{name} to one of them"
            raise BadInput(f"{source.path} has no column {column!r}; it has {there}", remedy)


def _object(place: str, line: bytes) -> Row:
    """One line's object, with numbers as they are written: 27.0 stays "27.0"."""
    try:
        row = json.loads(line.decode("utf-8-sig"), parse_float=str, parse_int=str)
    except UnicodeDecodeError as error:
        raise BadInput(f"{place} is not UTF-8 ({error.reason})", "Save the file as UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{place} is not JSON ({_line(error)})", ONE_OBJECT) from error
    if not isinstance(row, dict):
        raise BadInput(f"{place} is not a JSON object", ONE_OBJECT)
    return row


def _line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
