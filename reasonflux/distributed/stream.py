"""Stages as Ray Data streams: shards in, work items through one async worker, committed parts out.

Two shapes cover every stage of a run:

- `map_rows`: read → map → write. Every row is one work item with one id; the worker commits each batch as one part as
  soon as it is done and passes a receipt on. A resume leaves out the ids that the parts already hold.
- `over_shards`: one pure task a shard (expansion, sealing, aggregation), whole-shard outputs under deterministic names.

The driver sees receipts only, a few counts a part, so its memory does not grow with the rows.
"""

import asyncio
import json
import os
import queue
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

# Batches at once in one async task, 4 otherwise. The driver reads it when it imports Ray Data; how many calls are in
# flight is the worker's own matter. Said in the actor's environment it would do nothing but forbid Ray a warm process.
os.environ.setdefault("RAY_DATA_DEFAULT_ASYNC_BATCH_UDF_MAX_CONCURRENCY", "64")
os.environ.setdefault("RAY_DATA_USAGE_DISABLED", "1")  # else a process of its own keeps count, for Ray's makers
import ray.data

from reasonflux.arrow import from_table, schema_of
from reasonflux.config import StreamConfig
from reasonflux.distributed.progress import Progress
from reasonflux.distributed.receipts import counts_of
from reasonflux.errors import Deadline, Incomplete, ReasonFluxError
from reasonflux.storage.stage import Stage

SHARD = "shard"  # column that travels beside the work item's own
CLIENT_CPUS = 0.5  # logical, of a process that mostly waits
NAMED = 5  # rows that an error names
LEAST_TASKS, MOST_TASKS = 64, 4096  # of one stage over shards, if it has as many; the driver knows each of them
TASKS_A_CPU = 4
BLOCK_BYTES = 1 << 20  # of work items on their way to a worker: what is done again when its process dies
PARTS = 8  # that a process begins at once where nothing says how many
PARTS_A_BLOCK, MOST_BLOCKS = 4, 64  # a process works at several blocks: each is left when its last row is done
MET = 64  # shards whose committed ids a process remembers


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
    parts: int = 0  # that a process begins before others have ended; 0: `stream.calls_in_flight`, or `PARTS`
    cpus: float = CLIENT_CPUS  # logical, per process of the worker


def map_rows(stage: MapStage, shards: int) -> Progress:
    """Runs a map stage over all shards that are not sealed yet, and returns what this execution committed.

    Raises `Deadline` with the names of what is pending when no row is finished for `stream.stall_s`, and whatever a
    worker raises: workers turn a bad row into a failed row, so that an exception means storage, code or fencing.
    """
    dataset = (
        _shards(shards)
        .map_batches(_pending, fn_kwargs={"stage": stage}, batch_size=1, udf_modifying_row_count=True)
        .map_batches(
            _Worker,
            fn_constructor_kwargs={"stage": stage},
            batch_size=stage.rows_per_part,
            batch_format="pyarrow",
            compute=ray.data.ActorPoolStrategy(
                size=stage.processes, max_concurrent_calls_per_actor=blocks(_parts(stage))
            ),
            num_cpus=stage.cpus,
        )
    )
    dataset.set_name(stage.target.name)
    source = stage.source.manifest()
    progress = Progress(stage.target.name, stage.target.store, source.rows if source else None)
    progress.log("running")
    try:
        for receipts in _with_deadline(dataset, stage.target.name, stage.stream.stall_s):
            progress.add(receipts)
    except Deadline as error:
        progress.log("stalled")
        raise Deadline(f"{error.what}; {pending_rows(stage, shards)}", error.remedy) from None
    progress.log("done")
    return progress


def pending_rows(stage: MapStage, shards: int) -> str:
    """Which rows of a map stage are not committed: how many, and the first of them by name."""
    left = 0
    named: list[str] = []
    for shard in stage.target.open_shards(shards):
        committed = stage.target.committed(shard)
        missing = [row for row in stage.source.read(shard, columns=["id"])["id"].to_pylist() if row not in committed]
        left += len(missing)
        named += [f"{row} (shard {shard})" for row in missing[: NAMED - len(named)]]
    return f"{left} rows are pending: {', '.join(named)}{' …' if left > len(named) else ''}"


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
    """The work items of a shard, in the source's order; none where the target's shard is sealed.

    What it gives must not depend on when it runs: Ray makes a block that died with its machine by running this again,
    and waits for ever where that gives fewer. So what is committed already is left out by the worker.
    """
    for shard in batch["id"]:
        shard = int(shard)
        if stage.target.sealed(shard) is not None:
            continue
        table = _together(stage.source.read(shard), stage.together)
        table = table.append_column(SHARD, pa.array([shard] * table.num_rows, pa.int64()))
        for start in range(0, table.num_rows, stage.rows_per_part):
            yield table.slice(start, stage.rows_per_part)


def _parts(stage: MapStage) -> int:
    """How many parts a process of the worker begins at once."""
    return stage.parts or stage.stream.calls_in_flight or PARTS


def blocks(parts: int) -> int:
    """At how many blocks a process works that begins so many parts: some to begin, while others end."""
    return max(2, min(MOST_BLOCKS, parts // PARTS_A_BLOCK))


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
        self._calls = asyncio.Semaphore(_parts(stage))
        self._before: dict[int, asyncio.Future[set[str]]] = {}  # by shard: ids that parts held when it was first met

    async def __call__(self, batch: pa.Table) -> AsyncIterator[pa.Table]:
        async with self._calls:
            batch = await self._uncommitted(batch)
            if not batch.num_rows:
                return
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

    async def _uncommitted(self, batch: pa.Table) -> pa.Table:
        """The rows that no part held when this process first met their shard: a resume begins with the others."""
        shards = batch[SHARD].to_pylist()
        looks = {shard: self._committed(shard) for shard in sorted(set(shards))}
        before = {shard: await look for shard, look in looks.items()}
        if not any(before.values()):
            return batch
        ids = batch["id"].to_pylist()
        return batch.filter(pa.array([row not in before[shard] for row, shard in zip(ids, shards, strict=True)]))

    def _committed(self, shard: int) -> "asyncio.Future[set[str]]":
        if shard not in self._before:
            self._before[shard] = asyncio.ensure_future(asyncio.to_thread(self._stage.target.committed, shard))
            for oldest in list(self._before)[:-MET]:
                del self._before[oldest]
        return self._before[shard]


def _receipt(rows: Sequence[Any]) -> pa.Table:
    """What the driver learns of a part: a few counts."""
    counts = counts_of(rows)
    failed, tokens = int(counts["status"].get("failed", 0)), int(counts["tokens"].get("output", 0))
    return pa.table(
        {"rows": [len(rows)], "failed": [failed], "output_tokens": [tokens], "counts": [json.dumps(counts)]}
    )


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
                f"stage {name}: no row was finished for {deadline_s:.0f} s",
                "See the job's log for what its engine or storage says, then run the job again: it continues; "
                "stream.stall_s is how long it waits",
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
