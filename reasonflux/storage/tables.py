"""Rows to Parquet bytes and back, with a record's own schema."""

import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from reasonflux.errors import StorageError
from reasonflux.identity import digest


def to_parquet(table: pa.Table) -> bytes:
    """One Parquet file, zstd; equal tables give equal bytes under one version of pyarrow."""
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def from_parquet(data: bytes, where: str, schema: pa.Schema, columns: Sequence[str] | None = None) -> pa.Table:
    """The table in `data`, or its columns named; raises `StorageError` that names `where` for any other schema."""
    try:
        file = pq.ParquetFile(io.BytesIO(data))
        if not file.schema_arrow.equals(schema):
            raise StorageError(f"{where} has other columns than this version writes", "Give the run another name")
        return file.read(columns=None if columns is None else list(columns))
    except (pa.ArrowException, OSError) as error:
        raise StorageError(f"{where} cannot be read as Parquet: {error}", "Run `reasonflux fsck`") from error


def ids_of(table: pa.Table) -> list[str]:
    """The `id` column."""
    ids: list[str] = table.column("id").to_pylist()
    return ids


def digest_ids(ids: Iterable[str]) -> str:
    """Digest over sorted ids, one way to say which rows there are."""
    return digest(sorted(ids))


def sha256(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def count_status(tables: Iterable[pa.Table]) -> dict[str, int]:
    """Rows by `status`; empty where there is no such column."""
    counts: Counter[str] = Counter()
    for table in tables:
        if "status" in table.column_names:
            counts.update(table.column("status").to_pylist())
    return dict(sorted(counts.items()))


def first_of_each(table: pa.Table) -> pa.Table:
    """The first row of each id, sorted by id."""
    seen: dict[str, int] = {}
    for index, row_id in enumerate(ids_of(table)):
        seen.setdefault(row_id, index)
    return table.take([seen[row_id] for row_id in sorted(seen)])


def sort_by_id(table: pa.Table) -> pa.Table:
    """Rows in the order of their ids, so that it does not matter which parts they came in."""
    return table.take(pc.sort_indices(table.column("id")))


def failed(table: pa.Table) -> pa.Table:
    """Rows whose work was not done: status `failed`, or a failure where the record has no status."""
    if "status" in table.column_names:
        return table.filter(pc.equal(table.column("status"), "failed"))
    if "failure" in table.column_names:
        return table.filter(pc.is_valid(table.column("failure")))
    return table.slice(0, 0)
