"""What is checked, merged and written down when a shard is sealed."""

from collections.abc import Collection, Mapping

import pyarrow as pa

from reasonflux.errors import Incomplete, StorageError
from reasonflux.storage import tables
from reasonflux.storage.manifests import FileEntry, ShardManifest

_NAMED = 3  # ids that an error names


def check_ids(where: str, there: Collection[str], expected: Collection[str] | None) -> None:
    """Raises `Incomplete` for an expected id that is not there, `StorageError` for one there that is not expected."""
    if expected is None:
        return
    missing = sorted(set(expected).difference(there))
    if missing:
        raise Incomplete(
            f"{where}: {len(missing)} of {len(set(expected))} rows are missing: {_some(missing)}", "Run again"
        )
    foreign = sorted(set(there).difference(expected))
    if foreign:
        raise StorageError(
            f"{where} holds {len(foreign)} rows that do not belong to it: {_some(foreign)}",
            "Another config or code wrote into this run directory: give the run another name",
        )


def merge(parts: Mapping[str, pa.Table]) -> tuple[str, pa.Table, bytes]:
    """Parts that double some ids as one file: name, table sorted by id, bytes. The first part's row stays."""
    table = tables.first_of_each(pa.concat_tables([parts[path] for path in sorted(parts)]))
    data = tables.to_parquet(table)
    return name_by_content("merged", data), table, data


def name_by_content(kind: str, data: bytes) -> str:
    """A file's name made of its bytes, so that a straggler with other bytes overwrites nothing."""
    return f"{kind}-{tables.sha256(data)[:32]}.parquet"


def describe(
    stage: str,
    shard: int,
    generation: int,
    parts: Mapping[str, pa.Table],
    data: Mapping[str, bytes],
    inputs: Mapping[str, str],
) -> ShardManifest:
    """The manifest of a shard whose files, by path, hold these tables and bytes."""
    files = tuple(
        FileEntry(name=path.rpartition("/")[2], rows=len(parts[path]), sha256=tables.sha256(data[path]))
        for path in sorted(parts)
    )
    return ShardManifest(
        stage=stage,
        shard=shard,
        generation=generation,
        files=files,
        rows=sum(file.rows for file in files),
        ids=tables.digest_ids([row_id for table in parts.values() for row_id in tables.ids_of(table)]),
        status=tables.count_status(parts.values()),
        inputs=dict(inputs),
    )


def _some(ids: list[str]) -> str:
    return ", ".join(ids[:_NAMED]) + (" …" if len(ids) > _NAMED else "")
