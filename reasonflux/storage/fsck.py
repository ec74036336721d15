"""What is wrong with a run directory: its manifests against its files."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from reasonflux.errors import StorageError
from reasonflux.storage import tables
from reasonflux.storage.manifests import ShardManifest, StageManifest
from reasonflux.storage.store import Store

_IN_SHARD = re.compile(r"(stage=[^/]+/shard=\d+)/([^/]+)")
_STAGE = re.compile(r"(stage=[^/]+)/manifest\.json")
_MANIFEST = "manifest.json"


class Fault(StrEnum):
    """Kinds of fault. The first three lose data; the others are what a killed run may leave behind."""

    MISSING = "missing"  # a manifest names a file or shard that is not there
    CHANGED = "changed"  # the bytes are not those that were sealed
    UNREADABLE = "unreadable"  # a manifest that cannot be parsed
    ORPHAN = "orphan"  # a part that its sealed shard's manifest does not name
    UNSEALED = "unsealed"  # a shard with parts and no manifest: its stage did not end
    TEMPORARY = "temporary"  # a file whose writer was killed


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One fault, and where."""

    fault: Fault
    path: str  # relative to the run directory
    message: str

    @property
    def loses_data(self) -> bool:
        """Whether rows that were sealed cannot be read any more."""
        return self.fault in (Fault.MISSING, Fault.CHANGED, Fault.UNREADABLE)


def fsck(store: Store) -> list[Finding]:
    """Every fault of the run directory at `store`, by path; reads every sealed file, one shard at a time.

    Raises `StorageError` only when the place itself cannot be read. Leases and published data sets are left out.
    """
    names = store.list()
    shards: dict[str, set[str]] = defaultdict(set)
    for name in names:
        if match := _IN_SHARD.fullmatch(name):
            shards[match[1]].add(match[2])
    findings = [
        Finding(fault=Fault.TEMPORARY, path=name, message="left by a writer that was killed; it can be deleted")
        for name in store.leftovers()
    ]
    digests: dict[str, str] = {}
    for directory in sorted(shards):
        findings += _check_shard(store, directory, shards[directory], digests)
    for match in filter(None, map(_STAGE.fullmatch, names)):
        findings += _check_stage(store, match[1], digests)
    return sorted(findings, key=lambda finding: (finding.path, finding.fault))


def _check_shard(store: Store, directory: str, files: set[str], digests: dict[str, str]) -> Iterator[Finding]:
    """Faults of one shard; its digest goes into `digests` when its manifest can be read."""
    path = f"{directory}/{_MANIFEST}"
    data = store.get(path)
    if data is None:
        yield Finding(
            fault=Fault.UNSEALED, path=directory, message=f"{len(files)} parts and no manifest: run the job again"
        )
        return
    try:
        manifest = ShardManifest.parse(data, path)
    except StorageError as error:
        yield Finding(fault=Fault.UNREADABLE, path=path, message=error.what)
        return
    digests[directory] = manifest.digest
    for file in manifest.files:
        there = store.get(f"{directory}/{file.name}")
        if there is None:
            yield Finding(fault=Fault.MISSING, path=f"{directory}/{file.name}", message=f"{file.rows} rows are lost")
        elif tables.sha256(there) != file.sha256:
            yield Finding(
                fault=Fault.CHANGED,
                path=f"{directory}/{file.name}",
                message="its SHA-256 is not the one that was sealed",
            )
    for name in sorted(files - {file.name for file in manifest.files} - {_MANIFEST}):
        yield Finding(fault=Fault.ORPHAN, path=f"{directory}/{name}", message="no manifest names it; nothing reads it")


def _check_stage(store: Store, directory: str, digests: dict[str, str]) -> Iterator[Finding]:
    path = f"{directory}/{_MANIFEST}"
    try:
        manifest = StageManifest.parse(store.read(path), path)
    except StorageError as error:
        yield Finding(fault=Fault.UNREADABLE, path=path, message=error.what)
        return
    for index, shard in enumerate(manifest.shards):
        name = f"{directory}/shard={index:05d}"
        if name not in digests:
            yield Finding(fault=Fault.MISSING, path=name, message=f"the stage was finished with it; {shard.rows} rows")
        elif digests[name] != shard.digest:
            yield Finding(
                fault=Fault.CHANGED, path=f"{name}/{_MANIFEST}", message="the stage was finished with another"
            )
