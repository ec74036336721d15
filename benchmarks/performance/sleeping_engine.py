"""The scripted engine, which takes as long as a real one would: behind the real deployment, with a model of latency.

A clock `scale` times as fast as the wall's keeps runs short. Each replica writes down what it had to do, a line of JSON
a sample, since Serve's handle reaches one replica of many.
"""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Sequence
from functools import partial

from pydantic import Field

from benchmarks.performance.latency_model import FOUR_A100, Batch, Lengths, Speed
from benchmarks.performance.scripted_engine import (
    ASKS_FOR_ANSWER,
    Script,
    ScriptedEngine,
    scripted_application,
    share,
)
from reasonflux.distributed.engine_server import GATHER_S, GATHER_SHARE
from reasonflux.distributed.engines import deploy_all
from reasonflux.distributed.run_engines import Deploy
from reasonflux.protocols import Completion, Outcome, Request

SAMPLE_S = 0.25  # of the wall's clock


class TimedScript(Script):
    """What the engine answers, and how long it takes."""

    speed: Speed = FOUR_A100
    prompt_tokens: int = 300  # of every request
    plan: Lengths = Lengths(median=150, sigma=0.5, most=1024)  # what the navigator writes
    solution: Lengths = Lengths(median=500, sigma=0.8, most=3072)  # what the reasoner writes
    scale: float = Field(1.0, gt=0)  # simulated seconds that pass in one of the wall's
    accounts: str = ""  # directory in which each replica keeps its account; empty: none


class SleepingEngine(ScriptedEngine):
    """The Serve replica."""

    def __init__(self, script: TimedScript, checkpoint: str) -> None:
        super().__init__(script, checkpoint)
        self._timed = script
        self._started = time.monotonic()
        self._batch = Batch(script.speed)
        self._timer: asyncio.TimerHandle | None = None
        self._first: dict[str, float] = {}  # by role, wall clock: its first request
        self._last: dict[str, float] = {}  # and its last completion
        self._account: asyncio.Task[None] | None = None

    async def generate(self, requests: Sequence[Request]) -> AsyncIterator[list[Completion]]:
        """Every request's completion, in batches as they end, gathered as `EngineServer` gathers them."""
        if self._account is None and self._timed.accounts:
            self._account = asyncio.create_task(self._keep_account())
        self._calls += 1
        began, left = time.monotonic(), len(requests)
        arriving: asyncio.Queue[Completion] = asyncio.Queue()
        self._tick()
        for request in requests:
            self._take(request, arriving)
        self._set_timer()
        while left:
            batch = [await arriving.get()]
            if left > 1:
                age = time.monotonic() - began
                await asyncio.sleep(min(GATHER_S / self._timed.scale, GATHER_SHARE * age))
            while not arriving.empty():
                batch.append(arriving.get_nowait())
            left -= len(batch)
            yield batch

    def _take(self, request: Request, arriving: "asyncio.Queue[Completion]") -> None:
        completion = self._complete(request)
        if completion.outcome not in (Outcome.STOPPED, Outcome.TRUNCATED):
            arriving.put_nowait(completion)
            return
        solves = ASKS_FOR_ANSWER in request.messages[-1].content
        role = "reasoner" if solves else "navigator"
        self._first.setdefault(role, time.time())
        lengths = self._timed.solution if solves else self._timed.plan
        output = lengths.at(share(request.id, "length"))
        self._batch.add((arriving, completion, role), self._timed.prompt_tokens, output)

    def _tick(self) -> None:
        now = (time.monotonic() - self._started) * self._timed.scale
        for arriving, completion, role in self._batch.advance(max(now, self._batch.now)):
            self._last[role] = time.time()
            arriving.put_nowait(completion)

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        wait = (self._batch.next_end() - self._batch.now) / self._timed.scale
        if wait < float("inf"):
            self._timer = asyncio.get_running_loop().call_later(wait, self._timer_ended)

    def _timer_ended(self) -> None:
        self._tick()
        self._set_timer()

    async def _keep_account(self) -> None:
        """A line each `SAMPLE_S`: wall clock, simulated seconds of places and of work so far, CPU, edges by role."""
        directory = self._timed.accounts
        os.makedirs(directory, exist_ok=True)
        with open(f"{directory}/{os.getpid()}.jsonl", "a", encoding="utf-8", buffering=1) as file:  # noqa: ASYNC230
            while True:
                self._tick()
                self._set_timer()
                cpu = time.process_time()
                sample = {"at": time.time(), "place_s": self._batch.place_s, "work_s": self._batch.work_s, "cpu_s": cpu}
                file.write(json.dumps(sample | {"first": self._first, "last": self._last}) + "\n")
                await asyncio.sleep(SAMPLE_S)


def sleeping(script: TimedScript) -> Deploy:
    """A `deploy` for `generate_pairs` that starts sleeping engines under the names that real ones would have."""
    return partial(deploy_all, build=partial(scripted_application, script, engine=SleepingEngine))
