"""A stage that asks engines, as a discrete-event model (SimPy): clients, Serve's router, replicas, the driver.

It stands for `distributed/stream.py`, `engine_client.py` and Serve, process for process: a client works at several
blocks of parts, spends CPU on a part's rows, sends them as one call to the less busy of two replicas, spends CPU again
when the last row has come, and the driver spends CPU on the receipt. What an engine does is `latency_model.Batch`.
"""

import math
import random
from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

import simpy

from benchmarks.performance.cluster_pieces import Call, Client, Replica
from benchmarks.performance.latency_model import Lengths, Speed

Steps = Generator[simpy.Event, Any, None]

WINDOW_S = 5.0  # between two looks at the replicas
FULL = 0.95  # of the places; below it, towards the end, is the tail
DRAWS = 12  # bits: lengths are drawn among 4,096 equal shares


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What the pipeline's own processes take, as measured on real Ray; CPU seconds unless said otherwise."""

    row_s: float  # of a client, a row
    part_s: float  # of the driver, a part
    call_s: float = 0.01  # of the clock, from a client to a replica
    cores: float = math.inf  # that all of it shares; infinite: each client has its own


@dataclass(frozen=True, kw_only=True)
class Pool:
    """Replicas of one application, and who calls them."""

    replicas: int
    clients: int
    speed: Speed
    rows_in_flight: int  # of a client: without an answer, or of calls not ended where `by_row` is False
    rows_per_part: int
    by_row: bool = True
    blocks: int = 4  # that a client works at, each until its last row has come
    parts_per_block: int = 12
    calls_per_replica: int = 64  # Serve's max_ongoing_requests


@dataclass(frozen=True, kw_only=True)
class Load:
    """The rows of a stage."""

    rows: int
    prompt_tokens: int
    lengths: Lengths


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What became of a stage. Seconds."""

    seconds: float  # from the first part to the last receipt
    busy: float  # share of places × seconds that was taken
    working: float  # share of the replicas' time with a request inside
    tail_s: float  # at the end, with fewer than `FULL` of the places taken
    driver_s: float  # CPU
    client_s: float  # CPU, all of them
    rate: float = 0.0  # rows a second in the middle, from half to three quarters of the rows
    steady: float = 0.0  # share of places that was taken then
    series: list[tuple[float, float]] = field(default_factory=list)  # (seconds, share of places)


class Stage:
    """One read → map → write stage over one pool; `run` it once."""

    def __init__(self, pool: Pool, load: Load, costs: Costs, seed: int = 0) -> None:
        self._env = simpy.Environment()
        self._pool, self._load, self._costs = pool, load, costs
        self._random = random.Random(seed)
        self._replicas = [Replica(self._env, pool.speed) for _ in range(pool.replicas)]
        self._held: deque[Call] = deque()  # that no replica takes now
        shared = min(float(pool.clients), costs.cores)
        self._cpu = simpy.Resource(self._env, capacity=max(1, int(shared)))
        self._slower = max(1, int(shared)) / shared  # a part of a core takes longer
        self._driver = simpy.Resource(self._env, capacity=1)
        self._client_s = self._driver_s = 0.0
        self._series: list[tuple[float, float]] = []
        self._done: list[int] = []  # rows, at the times of the series
        self._ended = 0
        self._lengths = [load.lengths.at((share + 0.5) / 2**DRAWS) for share in range(2**DRAWS)]

    def run(self) -> Ran:
        """The stage from its first part to its last."""
        parts, pool = self._parts(), self._pool
        clients = [Client(self._env, pool.rows_in_flight) for _ in range(pool.clients)]
        work = [self._env.process(self._blocks(client, parts)) for _ in range(pool.blocks) for client in clients]
        self._env.process(self._look())
        self._env.run(self._env.all_of(work))
        seconds = self._env.now
        for replica in self._replicas:
            replica.advance()
        whole = seconds * pool.replicas
        rate, steady = self._middle()
        return Ran(
            seconds=seconds,
            busy=sum(replica.batch.place_s for replica in self._replicas) / whole / pool.speed.places,
            working=sum(replica.batch.work_s for replica in self._replicas) / whole,
            tail_s=seconds - max((at for at, share in self._series if share >= FULL), default=0.0),
            driver_s=self._driver_s,
            client_s=self._client_s,
            rate=rate,
            steady=steady,
            series=self._series,
        )

    def _middle(self) -> tuple[float, float]:
        inside = [place for place, done in enumerate(self._done) if 1 / 2 < done / self._load.rows < 3 / 4]
        if len(inside) < 2:
            return 0.0, 0.0
        first, last = inside[0], inside[-1]
        rate = (self._done[last] - self._done[first]) / (self._series[last][0] - self._series[first][0])
        return rate, sum(share for _, share in self._series[first + 1 : last + 1]) / (last - first)

    def _parts(self) -> Iterator[int]:
        whole, rest = divmod(self._load.rows, self._pool.rows_per_part)
        yield from (self._pool.rows_per_part for _ in range(whole))
        yield from (rest,) * bool(rest)

    def _blocks(self, client: Client, parts: Iterator[int]) -> Steps:
        """One block after the other; the next when the last row of this one has come."""
        while block := [rows for _, rows in zip(range(self._pool.parts_per_block), parts, strict=False)]:
            calls = []
            for rows in block:
                yield client.enter(rows)
                calls.append(self._env.process(self._call(client, rows)))
            yield self._env.all_of(calls)

    def _call(self, client: Client, rows: int) -> Steps:
        yield from self._spend(rows)
        yield self._env.timeout(self._costs.call_s)
        outputs = [self._lengths[self._random.getrandbits(DRAWS)] for _ in range(rows)]
        call = Call(self._env, client, outputs, self._pool.by_row)
        self._held.append(call)
        self._route()
        yield call.ended
        self._ended += rows
        assert call.replica is not None
        call.replica.calls -= 1
        self._route()
        yield from self._spend(rows)
        with self._driver.request() as turn:
            yield turn
            yield self._env.timeout(self._costs.part_s)
        self._driver_s += self._costs.part_s

    def _spend(self, rows: int) -> Steps:
        """Half of a part's CPU, in turn with whoever shares the cores."""
        cpu_s = rows * self._costs.row_s / 2
        self._client_s += cpu_s
        with self._cpu.request() as turn:
            yield turn
            yield self._env.timeout(cpu_s * self._slower)

    def _route(self) -> None:
        while self._held and (replica := self._free()) is not None:
            replica.take(self._held.popleft(), self._load.prompt_tokens)

    def _free(self) -> Replica | None:
        """The less busy of two, by calls, as Serve counts; where both are full, any that is not."""
        most, count = self._pool.calls_per_replica, len(self._replicas)
        two = [self._replicas[int(self._random.random() * count)] for _ in range(2)]
        best = min(two, key=lambda replica: replica.calls)
        if best.calls < most:
            return best
        free = [replica for replica in self._replicas if replica.calls < most]
        return self._random.choice(free) if free else None

    def _look(self) -> Steps:
        before = 0.0
        while True:
            yield self._env.timeout(WINDOW_S)
            for replica in self._replicas:
                replica.advance()
            taken = sum(replica.batch.place_s for replica in self._replicas)
            places = self._pool.replicas * self._pool.speed.places
            self._series.append((self._env.now, (taken - before) / WINDOW_S / places))
            self._done.append(self._ended)
            before = taken
