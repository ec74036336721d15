"""What the driver learns of a stage, and how a stage that stands still ends."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from reasonflux.config import StreamConfig
from reasonflux.distributed import metrics, stream
from reasonflux.distributed.progress import Progress
from reasonflux.distributed.receipts import added, counts_of
from reasonflux.distributed.stream import MapStage, pending_rows
from reasonflux.errors import Deadline, StorageError
from reasonflux.records import Draw, Failure, Usage
from reasonflux.storage.progress import PROGRESS
from reasonflux.storage.run import Run
from reasonflux.storage.store import Store
from tests.unit.storage.test_progress import PROBLEM, draws


def row(**fields: Any) -> SimpleNamespace:
    return SimpleNamespace(**{"failure": None, "usage": Usage(prompt_tokens=3, output_tokens=5)} | fields)


def test_a_receipt_counts_what_rows_say_of_themselves() -> None:
    failed = row(failure=Failure(stage="rollouts", error="engine_error", message=""), usage=Usage(attempts=3))
    counts = counts_of([row(), row(verdict="wrong"), row(verdict="wrong", usage=Usage(cached_tokens=2)), failed])
    assert counts == {
        "status": {"done": 3, "failed": 1},
        "failures": {"engine_error": 1},
        "verdicts": {"wrong": 2},
        "tokens": {"prompt": 6, "output": 10, "cached": 2},
        "calls": {"retries": 2},
    }
    assert added((counts, counts))["tokens"]["output"] == 20
    assert counts_of([Draw(id="a", problem=PROBLEM, index=0, round=0, seed=0)])["tokens"] == {}


def test_progress_is_told_to_the_run_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, str]] = []
    monkeypatch.setattr(metrics, "count_stage", lambda run, stage, counts: told.append((run, stage)))
    progress = Progress("rollouts", Store.at(tmp_path / "name"), expected=9)
    counts = json.dumps(counts_of([row(), row()]))
    progress.add(pa.table({"rows": [2], "failed": [0], "output_tokens": [10], "counts": [counts]}))
    progress.log("running")
    assert told == [("name", "rollouts")]
    written = json.loads((tmp_path / "name" / PROGRESS).read_bytes())
    assert (written["rows"], written["expected"], written["state"]) == (2, 9, "running")
    assert progress.counts["status"] == {"done": 2}


def test_a_store_that_is_out_of_reach_does_not_end_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Store, path: str, data: bytes) -> None:
        raise StorageError("gone")

    monkeypatch.setattr(Store, "put", refuse)
    Progress("rollouts", Store.at("/nowhere/name")).log("running")


class Silent:
    """A data set whose next batch never comes."""

    def iter_batches(self, **_: object) -> Iterator[pa.Table]:
        threading.Event().wait(30)
        yield pa.table({})


def test_a_stage_that_stands_still_names_what_it_waits_for(tmp_path: Path) -> None:
    run = Run.open(str(tmp_path), "run", "name: run\n")
    source, target = run.stage("draws", Draw), run.stage("done", Draw)
    for shard in (0, 1):
        source.put_shard(shard, draws(range(8 * shard, 8 * shard + 8)))
    target.commit(0, draws(range(6)))
    target.commit(1, draws(range(8, 9)))
    stage = MapStage(source=source, target=target, build=list, together="id", stream=StreamConfig())  # type: ignore[arg-type]
    told = pending_rows(stage, 2)
    assert told == "9 rows are pending: t06 (shard 0), t07 (shard 0), t09 (shard 1), t10 (shard 1), t11 (shard 1) …"
    with pytest.raises(Deadline, match=r"stage done: no row was finished for 0 s.*stream\.stall_s"):
        next(stream._with_deadline(Silent(), "done", 0.05))


def test_a_block_that_is_made_again_is_the_same_whatever_was_committed_meanwhile(tmp_path: Path) -> None:
    """Ray makes a block that died with its machine by running its task again, and waits for ever for fewer rows."""
    run = Run.open(str(tmp_path), "run", "name: run\n")
    source, target = run.stage("draws", Draw), run.stage("done", Draw)
    source.put_shard(0, draws(range(20)))
    stage = MapStage(source=source, target=target, build=list, together="id", stream=StreamConfig(), rows_per_part=8)  # type: ignore[arg-type]
    before = list(stream._pending({"id": [0]}, stage))
    target.commit(0, draws(range(8)))
    assert list(stream._pending({"id": [0]}, stage)) == before


class Echo:
    """A worker that gives back what it takes, and remembers it."""

    def __init__(self) -> None:
        self.took: list[str] = []

    async def __call__(self, rows: list[Draw]) -> list[Draw]:
        self.took += [row.id for row in rows]
        return rows


async def test_a_worker_leaves_out_what_was_committed_before_it_began(tmp_path: Path) -> None:
    run = Run.open(str(tmp_path), "run", "name: run\n")
    source, target, echo = run.stage("draws", Draw), run.stage("done", Draw), Echo()
    for shard in (0, 1):
        source.put_shard(shard, draws(range(8 * shard, 8 * shard + 8)))
    target.commit(0, draws(range(8)))
    target.commit(1, draws(range(8, 11)))
    stage = MapStage(source=source, target=target, build=lambda: echo, together="id", stream=StreamConfig())
    worker = stream._Worker(stage)
    receipts = [receipt for batch in stream._pending({"id": [0, 1]}, stage) async for receipt in worker(batch)]
    assert sorted(echo.took) == sorted(row.id for row in draws(range(11, 16)))
    assert [receipt["rows"].to_pylist() for receipt in receipts] == [[5]]
    assert target.seal(1, [row.id for row in draws(range(8, 16))], {}).rows == 8
