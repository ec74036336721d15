"""Runs and checkpoints below a directory or URI, and the shard of a run that holds an id.

Only what manifests name is read. All that follows from a problem lies in its shard, and every id stands in a stage
whose shard is one file: so an id is found by the `id` columns of those files, whatever the run's size.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import fsspec
import pyarrow.compute as pc
import pyarrow.parquet as pq

from reasonflux.errors import BadInput
from reasonflux.inputs import open_input
from reasonflux.records import Attempt, Draw, Pair, Problem
from reasonflux.rounds.gate import verdict
from reasonflux.storage.run import Run
from reasonflux.storage.stage import Stage
from reasonflux.storage.store import Store

DEPTH = 5  # directories below the place where runs and checkpoints are looked for
READERS = 16  # shards looked through side by side
MANIFEST = "manifest.json"
DECISION = "gate.json"  # in a checkpoint's directory or the one above: what the gate said of it
SEARCHED: dict[str, type] = {
    "problems": Problem,
    "draws": Draw,  # ids of trajectories
    "attempts": Attempt,  # ids of rollouts
    "navigator_pairs": Pair,
    "reasoner_pairs": Pair,
}


@dataclass(frozen=True, kw_only=True)
class CheckpointFile:
    """A checkpoint's own manifest, and where it lies. Only its digest is certain to be there."""

    directory: str
    manifest: dict[str, Any]

    @property
    def digest(self) -> str:
        return str(self.manifest["digest"])

    @property
    def parent(self) -> str:
        """Digest of the checkpoint that training began with; empty where the manifest does not say."""
        return str(self._source("parent").get("digest", ""))

    def learnt_from(self, dataset: str) -> bool:
        """Whether the published data set of this digest, or a part of it, is among its training data."""
        data = self._source("data")
        places = [data.get("source", ""), *self._source("recipe").get("replayed", ())]
        return bool(dataset) and (data.get("digest") == dataset or any(f"/{dataset}" in str(one) for one in places))

    def decision(self) -> dict[str, Any]:
        """What the gate said; empty where it was not asked."""
        for directory in (self.directory, self.directory.rpartition("/")[0]):
            if data := Store(directory).get(DECISION):
                found: dict[str, Any] = json.loads(data)
                return found
        return {}

    def _source(self, name: str) -> dict[str, Any]:
        found = self.manifest.get(name)
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True, kw_only=True)
class Found:
    """Where an id stands."""

    run: Run
    stage: str
    shard: int


@dataclass(frozen=True, kw_only=True)
class Place:
    """What there is below a directory or URI."""

    uri: str
    runs: tuple[Run, ...]
    checkpoints: dict[str, CheckpointFile]  # by digest
    gates: dict[str, dict[str, str]]  # that were asked alone: by the candidate's digest, what was decided by run

    @classmethod
    def at(cls, uri: str) -> "Place":
        """Looks into directories down to `DEPTH`, stages and data sets apart; raises `BadInput` where there is none."""
        store = Store.at(uri)
        runs, checkpoints, gates = [], {}, defaultdict[str, dict[str, str]](dict)
        for directory, names in _directories(store.uri):
            if "config.yaml" in names and "stage=problems" in names:
                runs.append(Run(Store(directory)))
            if MANIFEST in names and any(name.endswith(".safetensors") for name in names):
                found = read_checkpoint(directory)
                if found is not None:
                    checkpoints[found.digest] = found
            if {
                "config.yaml",
                DECISION,
                MANIFEST,
            } <= names:  # of a gate asked alone, or of a training
                made = Run(Store(directory)).manifest() or {}
                if "candidate" in made:
                    gates[made["candidate"]["digest"]][directory] = verdict(made)
        return cls(uri=store.uri, runs=tuple(runs), checkpoints=checkpoints, gates=dict(gates))

    def find(self, wanted: str) -> Found | None:
        """The first run and shard with a row of this id."""
        for run in self.runs:
            for stage in SEARCHED:
                shard = _shard_with(run, stage, wanted)
                if shard is not None:
                    return Found(run=run, stage=stage, shard=shard)
        return None


def read_checkpoint(directory: str) -> CheckpointFile | None:
    """The `manifest.json` of a checkpoint directory; None where it is not a checkpoint's."""
    try:
        manifest = json.loads(Store(directory).read(MANIFEST))
    except ValueError:
        return None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("digest"), str):
        return None
    return CheckpointFile(directory=directory, manifest=manifest)


def shards_of(run: Run) -> int:
    """How many shards a run has; 0 while its problems are not all read."""
    manifest = run.stage("problems", Problem).manifest()
    return 0 if manifest is None else len(manifest.shards)


def _shard_with(run: Run, name: str, wanted: str) -> int | None:
    with ThreadPoolExecutor(READERS) as pool:
        shards = range(shards_of(run))
        for start in range(0, len(shards), READERS):
            some = shards[start : start + READERS]
            there = pool.map(lambda shard: _holds(run, name, shard, wanted), some)
            for shard, found in zip(some, there, strict=True):
                if found:
                    return shard
    return None


def _holds(run: Run, name: str, shard: int, wanted: str) -> bool:
    stage: Stage[Any] = run.stage(name, SEARCHED[name])
    manifest = stage.sealed(shard)
    for entry in manifest.files if manifest else ():
        path = f"{run.store.uri}/stage={name}/shard={shard:05d}/{entry.name}"
        with open_input(path, "the run") as file:
            ids = pq.ParquetFile(file).read(columns=["id"]).column("id")
        if pc.index(ids, wanted).as_py() >= 0:
            return True
    return False


def _directories(uri: str) -> Iterator[tuple[str, set[str]]]:
    """Directories with the names in them, the place itself first."""
    filesystem, root = fsspec.core.url_to_fs(uri, use_listings_cache=False)
    waiting = [(root.rstrip("/"), DEPTH)]
    while waiting:
        path, depth = waiting.pop()
        try:
            entries = filesystem.ls(path, detail=True)
        except FileNotFoundError as error:
            if path == root.rstrip("/"):
                raise BadInput(f"there is no {uri}", "Name a run with --run, or what holds runs with --root") from error
            continue
        names = {str(entry["name"]).rstrip("/").rpartition("/")[2]: str(entry["type"]) for entry in entries}
        yield uri.removesuffix(root) + path if "://" in uri else path, set(names)
        below = sorted(name for name, kind in names.items() if kind == "directory" and _may_hold_runs(name))
        if depth:
            waiting += [(f"{path}/{name}", depth - 1) for name in reversed(below)]


def _may_hold_runs(name: str) -> bool:
    return not name.startswith(("stage=", "shard=", ".")) and name not in ("dataset", "counts")
