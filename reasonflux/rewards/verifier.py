"""The verifier: grades texts in child processes that are killed at a deadline (`protocols.Grade`).

    with Verifier(VerifierConfig()) as verifier:
        gradings = await verifier([(text, gold), ...])

Children are spawned, never forked out of a Ray worker, by a `pebble.ProcessPool`, one item a call. A spawned child
imports the parent's main module under another name, as `multiprocessing` does: a script guards itself with
`if __name__ == "__main__":`; that of a Ray worker is guarded and costs 0.3 s a child. An item's clock starts when a
child that is warm takes it up, and is read every 0.1 s. What spellings alone decide is graded here, without a child:
most answers of most models, a plain number beside another.

What becomes of an item that cannot be graded:
- deadline, memory or nesting exceeded: `TIMEOUT`, with a message that says which. The text did it, so such a rollout
  counts and is not correct; it is not called wrong either.
- its child died otherwise: done again in another child, and `ERROR` when that dies as well.
- the grader raised (an empty gold answer, say): `ERROR` with the error's text. `ERROR` never counts.
"""

import asyncio
import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from reasonflux.config import VerifierConfig
from reasonflux.errors import ReasonFluxError
from reasonflux.protocols import Grading
from reasonflux.reasoning.answers import MAX_TEXT
from reasonflux.records import Verdict
from reasonflux.rewards.graders import GRADERS, Grader
from reasonflux.rewards.verifier_child import OUT_OF_MEMORY, clean, grade_one, kept_answer, prepare

ITEMS_PER_CHILD = 20_000  # then it is replaced: sympy's caches grow
ITEMS_QUEUED = 32  # per child, so that a large call does not fill the pool's queue
DEATHS_PER_ITEM = 2
POOLS_PER_ITEM = 5
SETTLED_TEXT = 32_768  # characters; reading an answer out of a longer one is left to a child
HEALTH_S = 1.0  # between two looks at whether the pool still lives


class Verifier:
    """Grades texts with one grader. Children start with the first item that takes algebra; `close` ends them.

    Any thread and any event loop may call it, one after the other or at once.
    """

    def __init__(self, config: VerifierConfig, grader: Grader = GRADERS["math"]) -> None:
        self._config = config
        self._grader = grader
        self._pool: ProcessPool | None = None
        self._closed = False
        self._children_worked = False

    async def __call__(self, items: Sequence[tuple[str, str]]) -> list[Grading]:
        """One grading for each (text, gold answer), in order.

        Raises `ReasonFluxError` when the verifier is closed or its children cannot run at all, never for a text.
        """
        queue = asyncio.Semaphore(self._config.processes * ITEMS_QUEUED)
        return await asyncio.gather(*(self._grade(queue, text[-MAX_TEXT:], gold) for text, gold in items))

    def close(self) -> None:
        """Kill the children; takes about 0.1 s. Calls in progress raise `ReasonFluxError`."""
        self._closed = True
        _stop(self._pool)
        self._pool = None

    def __enter__(self) -> "Verifier":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def _grade(self, queue: asyncio.Semaphore, text: str, gold: str) -> Grading:
        deaths = pools = 0
        async with queue:
            if settled := self._settled(text, gold):
                await asyncio.sleep(0)  # a thousand of them must not hold up the event loop
                return settled
            while True:
                try:
                    return await self._graded_once(text, gold)
                except TimeoutError:
                    return self._killed(text, f"not graded within {self._config.deadline_s:g} s")
                except ProcessExpired as death:
                    if death.exitcode == OUT_OF_MEMORY:
                        return self._killed(text, f"grading took more than {self._config.memory_mib} MiB of memory")
                    deaths += 1
                    reason = f"the grading process died {deaths} times, at last with status {death.exitcode}"
                except (BrokenProcessPool, RuntimeError) as broken:
                    pools += 1
                    reason = f"the grading processes died {pools} times ({broken})"
                    if pools == POOLS_PER_ITEM and not self._children_worked:
                        raise ReasonFluxError(
                            "the verifier's child processes end before their first item", _REMEDY
                        ) from broken
                if deaths == DEATHS_PER_ITEM or pools == POOLS_PER_ITEM:
                    return Grading(verdict=Verdict.ERROR, answer="", seconds=0.0, message=reason)

    def _settled(self, text: str, gold: str) -> Grading | None:
        """The grading of a text whose answer is spelled plainly, or that gives none."""
        if self._closed or self._grader.settle is None or len(text) > SETTLED_TEXT or not gold.strip():
            return None
        started = time.perf_counter()
        answer = self._grader.read(text)
        verdict = Verdict.UNPARSED if answer is None else self._grader.settle(answer, gold)
        if verdict is None:
            return None
        seconds = time.perf_counter() - started
        return Grading(verdict=verdict, answer=clean(answer or ""), seconds=seconds, message="")

    async def _graded_once(self, text: str, gold: str) -> Grading:
        """One try. Raises what pebble raises for a killed or dead child, `BrokenProcessPool` for a dead pool."""
        pool = self._live_pool()
        deadline = self._config.deadline_s
        future: ProcessFuture[tuple[str, str, float, str]] = pool.schedule(
            grade_one, args=(text, gold, deadline), timeout=deadline
        )
        waited = asyncio.wrap_future(future)
        try:
            while not (await asyncio.wait([waited], timeout=HEALTH_S))[0]:
                if not pool.active:  # what its queue holds is never answered
                    raise BrokenProcessPool("the pool of grading processes broke")
            verdict, answer, seconds, message = waited.result()
        finally:
            waited.cancel()  # of a caller that was cancelled itself: frees the child; else without effect
        self._children_worked = True
        return Grading(verdict=Verdict(verdict), answer=answer, seconds=seconds, message=message)

    def _live_pool(self) -> ProcessPool:
        if self._closed:
            raise ReasonFluxError("the verifier is closed", "Make a new one")
        if self._pool is None or not self._pool.active:
            _stop(self._pool)
            self._pool = ProcessPool(
                max_workers=self._config.processes,
                max_tasks=ITEMS_PER_CHILD,
                initializer=prepare,
                initargs=(self._grader, self._config.memory_mib),
                context=multiprocessing.get_context("spawn"),
            )
        return self._pool

    def _killed(self, text: str, message: str) -> Grading:
        answer = kept_answer(text, self._grader)
        return Grading(verdict=Verdict.TIMEOUT, answer=answer, seconds=self._config.deadline_s, message=message)


_REMEDY = (
    "Their own message stands above in this process's standard error; a main script needs "
    '`if __name__ == "__main__":` around what it does, and verifier.memory_mib room to work'
)


def _stop(pool: ProcessPool | None) -> None:
    if pool is not None:
        pool.stop()
        pool.join()
