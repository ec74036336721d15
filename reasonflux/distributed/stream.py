"""Stages as Ray Data streams: shards in, work items through one async worker, committed parts out.

Two shapes cover every stage of a run:

- `map_rows`: read → map → write. Every row is one work item with one id; the worker commits each batch as one part as
  soon as it is done and passes a receipt on. A resume leaves out the ids that the parts already hold.
- `over_shards`: one pure task a shard (expansion, sealing, aggregation), whole-shard outputs under deterministic names.

The driver sees receipts only, a few numbers a part, so its memory does not grow with the rows.
"""

import asyncio
import logging
import os
import queue
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

# Batches at once in one async task, 4 otherwise. The driver reads it when it imports Ray Data; how many calls are in
# flight is the worker's own matter. Said in the actor's environment it would do nothing but forbid Ray a warm process.
os.environ.setdefault("RAY_DATA_DEFAULT_ASYNC_BATCH_UDF_MAX_CONCURRENCY", "64")
import ray.data

from reasonflux.arrow import from_table, schema_of
from reasonflux.config import StreamConfig
from reasonflux.errors import Deadline, Incomplete, ReasonFluxError
from reasonflux.storage.stage import Stage

logger = logging.getLogger(__name__)

SHARD = "shard"  # column that travels beside the work item's own
PROGRESS_EVERY_S = 10.0
LEAST_TASKS, MOST_TASKS = 64, 4096  # of one stage over shards, if it has as many; the driver knows each of them
TASKS_A_CPU = 4
BLOCK_BYTES = 1 << 20  # of work items on their way to a worker: what is done again when its process dies


class RowWorker(Protocol):
    """Does a list of work items: one record out for each in, same ids, same order; a failure is a record too."""

    async def __call__(self, rows: list[Any]) -> Sequence[Any]: ...


@dataclass(frozen=True, kw_only=True)
class MapStage:
    """One read → map → write stage. `build` makes the worker inside the process that calls it, once an actor."""

    source: Stage
    target: Stage
    build: Callable[[], RowWorker]
    together: str  # column, dotted into structs; rows with equal values share a prompt's prefix and stay together
    stream: StreamConfig
    processes: int = 1
    rows_per_part: int = 64
    cpus: float = 0.5  # logical, per process of the worker


@dataclass
class Progress:
    """Receipts added up, and the log lines that come of them."""

    stage: str
    rows: int = 0
    failed: int = 0
    output_tokens: int = 0
    started: float = field(default_factory=time.monotonic)
    logged: float = field(default_factory=time.monotonic)

    def add(self, receipts: pa.Table) -> None:
        """Adds a batch of receipts; logs every `PROGRESS_EVERY_S` seconds."""
        self.rows += sum(receipts["rows"].to_pylist())
        self.failed += sum(receipts["failed"].to_pylist())
        self.output_tokens += sum(receipts["output_tokens"].to_pylist())
        if time.monotonic() - self.logged >= PROGRESS_EVERY_S:
            self.log("running")

    @property
    def seconds(self) -> float:
        """Since the first receipt could have come."""
        return self.logged - self.started

    def log(self, state: str) -> None:
        """One line of progress."""
        self.logged = time.monotonic()
        seconds = max(self.seconds, 1e-9)
        logger.info(
            "stage %s %s: %d rows, %d failed, %.0f rows/s, %.1f s",
            *(self.stage, state, self.rows, self.failed, self.rows / seconds, seconds),
        )


def map_rows(stage: MapStage, shards: int) -> Progress:
    """Runs a map stage over all shards that are not sealed yet, and returns what this execution committed.

    Raises `Deadline` when no part is committed for `stream.stage_deadline_s`, and whatever a worker raises: workers
    turn a bad row into a failed row, so that an exception means storage, code or fencing.
    """
    dataset = (
        _shards(shards)
        .map_batches(_pending, fn_kwargs={"stage": stage}, batch_size=1, udf_modifying_row_count=True)
        .map_batches(
            _Worker,
            fn_constructor_kwargs={"stage": stage},
            batch_size=stage.rows_per_part,
            batch_format="pyarrow",
            compute=ray.data.ActorPoolStrategy(size=stage.processes, max_concurrent_calls_per_actor=2),
            num_cpus=stage.cpus,
        )
    )
    dataset.set_name(stage.target.name)
    progress = Progress(stage.target.name)
    for receipts in _with_deadline(dataset, stage.target.name, stage.stream.stage_deadline_s):
        progress.add(receipts)
    progress.log("done")
    return progress


def over_shards(
    name: str, shards: int, task: Callable[[int], dict[str, Any]], deadline_s: float
) -> list[dict[str, Any]]:
    """`task(shard)` for every shard, in no particular order; returns the small rows that the tasks return.

    Raises `Deadline` when no shard ends for `deadline_s`, and whatever a task raises.
    """
    dataset = _shards(shards).map(lambda row: task(int(row["id"])))
    dataset.set_name(name)
    return [row for block in _with_deadline(dataset, name, deadline_s) for row in block.to_pylist()]


def _shards(count: int) -> ray.data.Dataset:
    """Shard numbers, in as many tasks as keep the cluster busy: the driver's memory does not grow with the shards.

    What maps them states no CPUs, so that Ray Data fuses the two.
    """
    enough = max(LEAST_TASKS, TASKS_A_CPU * int(ray.cluster_resources().get("CPU", 0)))
    numbers = ray.data.range(count, override_num_blocks=max(1, min(count, enough, MOST_TASKS)))
    numbers.context.target_max_block_size = BLOCK_BYTES
    return numbers


def _pending(batch: dict[str, Any], stage: MapStage) -> Iterator[pa.Table]:
    """The work items of a shard that no part of the target holds yet, in the source's order."""
    for shard in batch["id"]:
        shard = int(shard)
        if stage.target.sealed(shard) is not None:
            continue
        table = _together(stage.source.read(shard), stage.together)
        committed = stage.target.committed(shard)
        if committed:
            table = table.filter(pa.array([row_id not in committed for row_id in table["id"].to_pylist()]))
        table = table.append_column(SHARD, pa.array([shard] * table.num_rows, pa.int64()))
        for start in range(0, table.num_rows, stage.rows_per_part):
            yield table.slice(start, stage.rows_per_part)


def _together(table: pa.Table, column: str) -> pa.Table:
    """Rows sorted by a column and then by id: those that share a prompt's prefix reach the engine's cache together."""
    first, *rest = column.split(".")
    keys = table[first]
    for field_name in rest:
        keys = pc.struct_field(keys, field_name)
    order = pc.sort_indices(
        pa.table({"key": keys, "id": table["id"]}), sort_keys=[("key", "ascending"), ("id", "ascending")]
    )
    return table.take(order)


class _Worker:
    """Ray Data's callable: bounds the calls in flight, checks the worker's rows and commits them as one part."""

    def __init__(self, stage: MapStage) -> None:
        self._stage = stage
        self._work = stage.build()
        self._calls = asyncio.Semaphore(stage.stream.calls_in_flight)

    async def __call__(self, batch: pa.Table) -> AsyncIterator[pa.Table]:
        async with self._calls:
            shards = batch[SHARD].to_pylist()
            rows = from_table(self._stage.source.record, batch.select(schema_of(self._stage.source.record).names))
            done = await self._work(rows)
            if [row.id for row in done] != [row.id for row in rows]:
                raise Incomplete(f"stage {self._stage.target.name}: a worker did not give one row for each it took")
            by_shard: dict[int, list[Any]] = {}
            for shard, row in zip(shards, done, strict=True):
                by_shard.setdefault(shard, []).append(row)
            for shard, part in by_shard.items():
                await asyncio.to_thread(self._stage.target.commit, shard, part)
            yield _receipt(done)


def _receipt(rows: Sequence[Any]) -> pa.Table:
    """What the driver learns of a part: three numbers."""
    failed = sum(getattr(row, "failure", None) is not None for row in rows)
    tokens = sum(row.usage.output_tokens for row in rows if hasattr(row, "usage"))
    return pa.table({"rows": [len(rows)], "failed": [failed], "output_tokens": [tokens]})


def _with_deadline(dataset: ray.data.Dataset, name: str, deadline_s: float) -> Iterator[pa.Table]:
    """The data set's batches; `Deadline` when the next one takes longer than `deadline_s`."""
    batches: queue.Queue[pa.Table | BaseException | None] = queue.Queue()

    def consume() -> None:
        try:
            for batch in dataset.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
                batches.put(batch)
            batches.put(None)
        except BaseException as error:
            batches.put(error)

    threading.Thread(target=consume, name=f"stream {name}", daemon=True).start()
    while True:
        try:
            batch = batches.get(timeout=deadline_s)
        except queue.Empty:
            raise Deadline(
                f"stage {name}: nothing was committed for {deadline_s:.0f} s",
                "See the job's log for what its engine or storage says, then run the job again: it continues",
            ) from None
        if batch is None:
            return
        if isinstance(batch, BaseException):
            raise _cause(batch)
        yield batch


def _cause(error: BaseException) -> BaseException:
    """The project's own error inside what Ray wrapped around it, so that its remedy reaches the user."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ReasonFluxError):
            return seen
        seen = getattr(seen, "cause", None) or seen.__cause__
    return error
