"""What `cluster_model.Stage` moves: clients that bound what is in flight, calls, and the replicas that take them."""

import math
from collections import deque

import simpy

from benchmarks.performance.latency_model import Batch, Speed

ROUNDING_S = 1e-6


class Client:
    """A process that calls: how much it has in flight."""

    def __init__(self, env: simpy.Environment, most: int) -> None:
        """`most`: rows in flight."""
        self._env, self._most = env, most
        self._in_flight = 0
        self._waiting: deque[tuple[int, simpy.Event]] = deque()

    def enter(self, rows: int) -> simpy.Event:
        """Happens when there is room for so many rows."""
        event = self._env.event()
        self._waiting.append((rows, event))
        self.leave(0)
        return event

    def leave(self, rows: int) -> None:
        """So many rows are no longer in flight."""
        self._in_flight -= rows
        while self._waiting and self._in_flight + self._waiting[0][0] <= max(self._most, self._waiting[0][0]):
            size, event = self._waiting.popleft()
            self._in_flight += size
            event.succeed()


class Call:
    """A part on its way; `replica` has it once there is one that takes it."""

    def __init__(self, env: simpy.Environment, client: Client, outputs: list[int], by_row: bool) -> None:
        self.ended, self.outputs = env.event(), outputs
        self.replica: Replica | None = None
        self._client, self._by_row, self._left = client, by_row, len(outputs)

    def answered(self) -> None:
        """One more row has come."""
        self._left -= 1
        if self._by_row:
            self._client.leave(1)
        if not self._left:
            if not self._by_row:
                self._client.leave(len(self.outputs))
            self.ended.succeed()


class Replica:
    """One engine: a `Batch`, and an event for the next time that something in it ends."""

    def __init__(self, env: simpy.Environment, speed: Speed) -> None:
        self._env, self.batch = env, Batch(speed)
        self.calls = 0
        self._version = 0

    def take(self, call: Call, prompt: int) -> None:
        """A call's rows."""
        self.calls += 1
        call.replica = self
        self.advance()
        for output in call.outputs:
            self.batch.add(call, prompt, output)
        self._arm()

    def advance(self) -> None:
        """Comes to the present."""
        now = self._env.now
        for call in self.batch.advance(max(now, min(self.batch.next_end(), now + ROUNDING_S))):
            call.answered()

    def _arm(self) -> None:
        self._version += 1
        version, wait = self._version, self.batch.next_end() - self._env.now
        if wait < math.inf:
            self._env.timeout(max(0.0, wait)).callbacks.append(lambda _: self._due(version))

    def _due(self, version: int) -> None:
        if version == self._version:
            self.advance()
            self._arm()
