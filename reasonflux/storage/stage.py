"""A stage of a run: rows committed part by part, shards sealed, the stage finished.

    stage=<name>/shard=<00000>/part-<digest>.parquet   rows, by one atomic put each, under a name made of their ids
    stage=<name>/shard=<00000>/whole-<digest>.parquet  or the rows of a shard that one task makes; so `merged-…`
    stage=<name>/shard=<00000>/manifest.json           the shard's files; readers trust it alone
    stage=<name>/manifest.json                         the stage's shards; comes last

A row is one work item with one `id`. Commits may be repeated, by a task that was retried or a run that was killed: the
same rows lead to the same names, and what is doubled all the same is merged when the shard is sealed.
"""

from collections import Counter, deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic

import pyarrow as pa

from reasonflux.arrow import from_table, schema_of, to_table
from reasonflux.errors import BadInput, Incomplete, StorageError
from reasonflux.records import Record
from reasonflux.storage import sealing, tables
from reasonflux.storage.fence import Fence
from reasonflux.storage.manifests import ShardManifest, StageManifest, combine
from reasonflux.storage.store import Store

_MANIFEST = "manifest.json"
_SAME_ROWS = ("ids", "inputs")  # of two manifests: what must be equal for the one that stands to be a success
_SAME_BYTES = ("ids", "inputs", "files")
AT_ONCE = 256  # small files of shards that are read side by side
_FSCK = "Run `reasonflux fsck` on the run directory"
_NEW_NAME = "Give the run another name, or remove the run directory"


@dataclass(frozen=True)
class Stage(Generic[Record]):
    """Rows of one record class below `store`. Picklable: workers commit, the driver seals and finishes.

    With a `fence`, whatever writes raises `LeaseHeld` once another driver has taken the run over.
    """

    store: Store
    name: str
    record: type[Record]
    generation: int = 0  # of the manifests; failed rows done again will make the next
    fence: Fence | None = None

    def commit(self, shard: int, rows: Sequence[Record]) -> int:
        """Write rows as one part and return how many; none write nothing.

        A part with the same ids that is there already stays as it is: a straggler changes nothing in a sealed shard.
        Raises `StorageError` when two rows have one id.
        """
        if not rows:
            return 0
        table = self._table(shard, rows)
        name = f"part-{tables.digest_ids(tables.ids_of(table))}.parquet"
        self._check_fence()
        self.store.create(self._path(shard, name), tables.to_parquet(table))
        return len(rows)

    def committed(self, shard: int) -> set[str]:
        """Ids of the shard's rows so far; only the id column is decoded."""
        data = self.store.get_many(self._parts(shard))
        return {row_id for path in data for row_id in tables.ids_of(self._decode(path, data[path], ["id"]))}

    def seal(self, shard: int, expected: Collection[str] | None, inputs: Mapping[str, str]) -> ShardManifest:
        """Close a shard: its parts hold the expected ids and no others, each once, and its manifest says so.

        `inputs` are digests of what the shard was made from, by name. Sealing again with the same ids and inputs
        returns the manifest that stands. Raises `Incomplete` when ids are missing (`expected` None takes what is
        there), `StorageError` for ids that are not expected and for a shard sealed with anything else.
        """
        sealed = self.sealed(shard)
        if sealed is not None:
            ids = sealed.ids if expected is None else tables.digest_ids(set(expected))
            return self._unchanged(sealed, sealed.model_copy(update={"ids": ids, "inputs": dict(inputs)}), _SAME_ROWS)
        data = self.store.get_many(self._parts(shard))
        parts = {path: self._decode(path, data[path]) for path in data}
        ids_there = [row_id for table in parts.values() for row_id in tables.ids_of(table)]
        sealing.check_ids(self._where(shard), ids_there, expected)
        self._check_fence()
        if len(set(ids_there)) < len(ids_there):
            name, table, merged = sealing.merge(parts)
            path = self._path(shard, name)
            self.store.create(path, merged)
            parts, data = {path: table}, {path: merged}
        return self._close(sealing.describe(self.name, shard, self.generation, parts, data, inputs), _SAME_ROWS)

    def put_shard(self, shard: int, rows: Sequence[Record], inputs: Mapping[str, str] | None = None) -> ShardManifest:
        """Write and seal a shard that one task makes whole, under a name made of its bytes.

        Done again with equal rows it writes equal bytes. Raises `StorageError` when two rows have one id or the shard
        is sealed with other rows or inputs: a task that may be retried asks `sealed` first.
        """
        table = self._table(shard, rows)
        content = tables.to_parquet(table)
        path = self._path(shard, sealing.name_by_content("whole", content))
        parts, data = ({path: table}, {path: content}) if rows else ({}, {})
        manifest = sealing.describe(self.name, shard, self.generation, parts, data, inputs or {})
        sealed = self.sealed(shard)
        if sealed is not None:
            return self._unchanged(sealed, manifest, _SAME_BYTES)
        self._check_fence()
        if rows:
            self.store.put(path, content)
        return self._close(manifest, _SAME_BYTES)

    def sealed(self, shard: int) -> ShardManifest | None:
        """The shard's manifest, None while it is open."""
        path = self._path(shard, _MANIFEST)
        data = self.store.get(path)
        return None if data is None else self._shard_manifest(path, data)

    def open_shards(self, shards: int) -> list[int]:
        """Which of shards 0 to `shards` - 1 are not sealed: what a resumed stage has to do."""
        still_open: list[int] = []
        deque(self._sealed_among(shards, still_open), maxlen=0)
        return still_open

    def manifests(self, shards: int) -> Iterator[ShardManifest]:
        """Those of shards 0 to `shards` - 1, in order; raises `Incomplete` when one of them is not sealed."""
        still_open: list[int] = []
        yield from self._sealed_among(shards, still_open)
        self._check_sealed(shards, still_open)

    def read(self, shard: int, columns: Sequence[str] | None = None, *, verify: bool = False) -> pa.Table:
        """The rows of a sealed shard, or the columns named, in the order of their ids.

        Raises `StorageError` when the shard is not sealed, a file is missing, or (`verify`) its bytes have changed.
        """
        manifest = self.sealed(shard)
        if manifest is None:
            raise StorageError(f"{self._where(shard)} is not sealed", "Run the stage to its end first")
        names = self._schema.names if columns is None else list(columns)
        wanted = names if "id" in names else [*names, "id"]
        files = {self._path(shard, file.name): file for file in manifest.files}
        data = self.store.get_many(list(files))
        found = [self._schema.empty_table().select(wanted)]
        for path, file in files.items():
            if path not in data:
                raise StorageError(f"{self.store.uri}/{path} is missing", _FSCK)
            if verify and tables.sha256(data[path]) != file.sha256:
                raise StorageError(f"{self.store.uri}/{path} has changed since it was sealed", _FSCK)
            found.append(self._decode(path, data[path], wanted).select(wanted))
        return tables.sort_by_id(pa.concat_tables(found)).select(names)

    def records(self, shard: int) -> list[Record]:
        """The rows of a sealed shard as records, in the order of their ids."""
        return from_table(self.record, self.read(shard))

    def failures(self, shard: int) -> pa.Table:
        """Rows of a sealed shard whose work could not be done."""
        return tables.failed(self.read(shard))

    def finish(self, shards: int, meta: Mapping[str, Any], inputs: Mapping[str, str] | None = None) -> StageManifest:
        """Write the stage's manifest once shards 0 to `shards` - 1 are sealed; `inputs` are digests of other stages.

        A finished stage with the same shards and inputs is left as it is, whatever `meta` says. Raises `Incomplete`
        that names the shards still open, `StorageError` when the stage was finished with others.
        """
        still_open: list[int] = []
        made = combine(self.name, self.generation, self._sealed_among(shards, still_open), inputs or {}, meta)
        self._check_sealed(shards, still_open)
        self._check_fence()
        self.store.create(f"stage={self.name}/{_MANIFEST}", made.to_bytes())
        there = self.manifest()
        if there is None or (there.digest, there.inputs) != (made.digest, made.inputs):
            raise StorageError(f"stage {self.name} of {self.store.uri} was finished with other shards", _NEW_NAME)
        return there

    def finished_shards(self, remedy: str) -> int:
        """How many shards the finished stage has; raises `BadInput` with the remedy while it is not finished."""
        manifest = self.manifest()
        if manifest is None:
            raise BadInput(f"{self.store.uri} has no finished stage {self.name}", remedy)
        return len(manifest.shards)

    def manifest(self) -> StageManifest | None:
        """The stage's manifest, None while the stage is not finished."""
        path = f"stage={self.name}/{_MANIFEST}"
        data = self.store.get(path)
        return None if data is None else StageManifest.parse(data, f"{self.store.uri}/{path}")

    @property
    def _schema(self) -> pa.Schema:
        kind: type = self.record
        return schema_of(kind)

    def _path(self, shard: int, name: str) -> str:
        return f"stage={self.name}/shard={shard:05d}/{name}"

    def _where(self, shard: int) -> str:
        return f"stage {self.name}, shard {shard} of {self.store.uri}"

    def _parts(self, shard: int) -> list[str]:
        return [name for name in self.store.list(self._path(shard, "part-")) if name.endswith(".parquet")]

    def _table(self, shard: int, rows: Sequence[Record]) -> pa.Table:
        table = to_table(self.record, rows)
        for row_id, count in Counter(tables.ids_of(table)).most_common(1):
            if count > 1:
                raise StorageError(f"{self._where(shard)}: id {row_id} stands {count} times in one commit")
        return table

    def _decode(self, path: str, data: bytes, columns: Sequence[str] | None = None) -> pa.Table:
        return tables.from_parquet(data, f"{self.store.uri}/{path}", self._schema, columns)

    def _shard_manifest(self, path: str, data: bytes) -> ShardManifest:
        manifest = ShardManifest.parse(data, f"{self.store.uri}/{path}")
        if manifest.generation != self.generation:
            raise StorageError(
                f"{self.store.uri}/{path} is generation {manifest.generation}, not {self.generation}",
                "What was made from the older generation is stale: run it again",
            )
        return manifest

    def _sealed_among(self, shards: int, still_open: list[int]) -> Iterator[ShardManifest]:
        """The manifests of sealed shards, in order; the numbers of the others are appended to `still_open`."""
        for start in range(0, shards, AT_ONCE):
            paths = {self._path(shard, _MANIFEST): shard for shard in range(start, min(start + AT_ONCE, shards))}
            data = self.store.get_many(list(paths))
            for path, shard in paths.items():
                if path in data:
                    yield self._shard_manifest(path, data[path])
                else:
                    still_open.append(shard)

    def _check_sealed(self, shards: int, still_open: list[int]) -> None:
        if still_open:
            some = ", ".join(map(str, still_open[:10])) + (" …" if len(still_open) > 10 else "")
            what = f"stage {self.name}: {len(still_open)} of {shards} shards are not sealed: {some}"
            raise Incomplete(what, "Run the job again")

    def _close(self, manifest: ShardManifest, same: Sequence[str]) -> ShardManifest:
        """Write a shard's manifest, or find that another task has just written one that will do."""
        self.store.create(self._path(manifest.shard, _MANIFEST), manifest.to_bytes())
        there = self.sealed(manifest.shard)
        return self._unchanged(there, manifest, same) if there else manifest

    def _unchanged(self, there: ShardManifest, wanted: ShardManifest, same: Sequence[str]) -> ShardManifest:
        other = [field for field in same if getattr(there, field) != getattr(wanted, field)]
        if other:
            raise StorageError(f"{self._where(there.shard)} is sealed with other {', '.join(other)}", _NEW_NAME)
        return there

    def _check_fence(self) -> None:
        if self.fence is not None:
            self.fence.check()
