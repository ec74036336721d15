"""How far a run is, out of its directory alone: manifests, parts, and what the driver last wrote to `progress.json`."""

import io
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow.parquet as pq

from reasonflux.errors import BadInput
from reasonflux.storage.manifests import Manifest, ShardManifest, StageManifest
from reasonflux.storage.store import Store

PROGRESS = "progress.json"
ORDER = (  # of stages, as jobs run them; others come after
    *("problems", "similar", "draws", "trajectories", "attempts", "rollouts", "verdicts", "rewards"),
    *("navigator_pairs", "reasoner_pairs", "solved", "proposals"),
)
FAILED = "failed"
AT_ONCE = 64  # parts of an open shard that are read side by side


class ProgressFile(Manifest):
    """What a driver last said of the stage that it runs."""

    stage: str
    state: str  # running, done, stalled
    rows: int  # committed by this driver
    failed: int
    expected: int | None  # rows of the whole stage
    seconds: float
    rows_per_s: float
    time: str  # UTC


@dataclass(frozen=True, kw_only=True)
class StageStatus:
    """One stage."""

    name: str
    done: int  # rows
    expected: int | None  # None: not known before the stage before it ends
    failed: int
    finished: bool


@dataclass(frozen=True, kw_only=True)
class RunStatus:
    """A run as its directory shows it."""

    uri: str
    finished: bool
    stages: tuple[StageStatus, ...]
    failures: dict[str, int]  # by "stage: reason"
    last: ProgressFile | None
    holder: str | None  # who works on it, or did last; None where nobody ever did
    ended_inside: tuple[str, ...] = ()  # finished runs within it, as a round's are: where they lie below it
    inside: tuple["RunStatus", ...] = ()  # the others

    @property
    def eta_s(self) -> float | None:
        """Seconds to the end of the stage that runs, at its rate so far."""
        running = next((stage for stage in self.stages if self.last and stage.name == self.last.stage), None)
        if self.finished or running is None or running.finished or not self.last or running.expected is None:
            return None
        return (running.expected - running.done) / self.last.rows_per_s if self.last.rows_per_s else None

    def to_json(self) -> dict[str, Any]:
        """Plain values, for machines."""
        last = self.last.model_dump() if self.last else None
        inside = [run.to_json() for run in self.inside]
        return asdict(self) | {"last": last, "inside": inside, "eta_s": self.eta_s}


def read_status(place: str) -> RunStatus:
    """The status of the run at a directory or URI; raises `BadInput` where there is none."""
    store = Store.at(place)
    names = store.list()
    if "config.yaml" not in names:
        raise BadInput(f"{store.uri} is no run directory", "Name the directory that holds config.yaml: ROOT/NAME")
    last = ProgressFile.parse(store.read(PROGRESS), f"{store.uri}/{PROGRESS}") if PROGRESS in names else None
    files = _by_stage(names)
    failures: Counter[str] = Counter()
    order = sorted(files, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))
    stages = tuple(_stage(store, name, files[name], last, failures) for name in order)
    inside = [name.removesuffix("/config.yaml") for name in sorted(names) if name.endswith("/config.yaml")]
    ended = tuple(run for run in inside if f"{run}/manifest.json" in names)
    return RunStatus(
        uri=store.uri,
        finished="manifest.json" in names,
        stages=stages,
        failures=dict(failures.most_common()),
        last=last,
        holder=_holder(store, names),
        ended_inside=ended,
        inside=tuple(read_status(store.child(run).uri) for run in inside if run not in ended),
    )


def _by_stage(names: Sequence[str]) -> dict[str, dict[str, list[str]]]:
    """Paths by stage, then by shard; those of the stage itself under ""."""
    found: defaultdict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name in names:
        if name.startswith("stage="):
            stage, *rest = name.removeprefix("stage=").split("/")
            found[stage][rest[0] if len(rest) > 1 else ""].append(name)
    return found


def _stage(
    store: Store, name: str, shards: Mapping[str, list[str]], last: ProgressFile | None, failures: Counter[str]
) -> StageStatus:
    whole = f"stage={name}/manifest.json"
    if whole in shards.get("", ()):
        manifest = StageManifest.parse(store.read(whole), f"{store.uri}/{whole}")
        if manifest.status.get(FAILED):
            _count_failures(store, name, [path for paths in shards.values() for path in paths], failures)
        rows = manifest.rows
        return StageStatus(name=name, done=rows, expected=rows, failed=manifest.status.get(FAILED, 0), finished=True)
    done, failed = 0, 0
    for paths in (paths for shard, paths in shards.items() if shard):
        rows, bad = _shard(store, name, paths, failures)
        done, failed = done + rows, failed + bad
    expected = last.expected if last and last.stage == name else None
    return StageStatus(name=name, done=done, expected=expected, failed=failed, finished=False)


def _shard(store: Store, name: str, paths: list[str], failures: Counter[str]) -> tuple[int, int]:
    """Rows and failed rows of one shard, sealed or open."""
    sealed = [path for path in paths if path.endswith("/manifest.json")]
    if sealed:
        manifest = ShardManifest.parse(store.read(sealed[0]), f"{store.uri}/{sealed[0]}")
        failed = manifest.status.get(FAILED, 0)
        if failed:
            _count_failures(store, name, paths, failures)
        return manifest.rows, failed
    before = failures.total()
    return _count_failures(store, name, paths, failures), failures.total() - before


def _count_failures(store: Store, name: str, paths: Sequence[str], failures: Counter[str]) -> int:
    """Adds the failures of parts, by reason; returns the parts' distinct rows."""
    parts = [path for path in paths if path.endswith(".parquet")]
    reasons: dict[str, str | None] = {}
    for start in range(0, len(parts), AT_ONCE):
        for data in store.get_many(parts[start : start + AT_ONCE]).values():
            file = pq.ParquetFile(io.BytesIO(data))
            columns = [column for column in ("id", "failure") if column in file.schema_arrow.names]
            for row in file.read(columns=columns).to_pylist():
                reasons[row["id"]] = (row.get("failure") or {}).get("error")
    failures.update(f"{name}: {reason}" for reason in reasons.values() if reason is not None)
    return len(reasons)


def _holder(store: Store, names: Sequence[str]) -> str | None:
    leases = sorted(name for name in names if name.startswith("lease/") and name.endswith(".json"))
    if not leases:
        return None
    lease = json.loads(store.read(leases[-1]))
    who = ", ".join(f"{key} {value}" for key, value in lease.get("holder", {}).items() if value)
    state = "released" if lease.get("released") else "held"
    return f"{state} {lease.get('last_heartbeat', '')} by {who}"
