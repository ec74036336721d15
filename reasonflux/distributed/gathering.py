"""A `Generate` for many coroutines that ask for one completion each: their requests travel to the engine in lists.

Requests that come within a few milliseconds share a call. A completion goes to the one who waits for it as soon as it
arrives, whatever its neighbours in the call do.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence

from reasonflux.protocols import Completion, Outcome, Request
from reasonflux.records import Usage

Stream = Callable[[Sequence[Request]], AsyncGenerator[Completion, None]]
Waiting = tuple[Request, "asyncio.Future[Completion]"]


class Gathering:
    """Belongs to one event loop at a time. `calls` bounds the calls under way; what comes meanwhile waits, together.

    Serve passes a replica `max_ongoing_requests` calls at once: deploy with a small `rows_per_call`, so that it takes
    `calls`, since the calls of interplays are small and each lasts as long as its slowest completion.
    """

    def __init__(self, stream: Stream, *, rows: int = 64, calls: int = 64, wait_s: float = 0.01) -> None:
        """`stream` makes one call and never raises for a request, as `EngineClient.stream`; `rows`: most of a call."""
        self._stream = stream
        self._rows, self._calls, self._wait_s = rows, calls, wait_s
        self._waiting: list[Waiting] = []
        self._under_way: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def __call__(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion a request, in the requests' order, when the last of them is there."""
        loop = asyncio.get_running_loop()
        futures = [loop.create_future() for _ in requests]
        self._waiting.extend(zip(requests, futures, strict=True))
        if len(self._waiting) >= self._rows:
            self._send()
        elif self._timer is None:
            self._timer = loop.call_later(self._wait_s, self._send)
        return list(await asyncio.gather(*futures))

    def _send(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting and len(self._under_way) < self._calls:
            part, self._waiting = self._waiting[: self._rows], self._waiting[self._rows :]
            task = asyncio.ensure_future(self._call(part))
            self._under_way.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        self._send()

    async def _call(self, part: Sequence[Waiting]) -> None:
        """One call. Whoever gets no completion from it gets one that says so."""
        futures: dict[str, list[asyncio.Future[Completion]]] = {}
        for request, future in part:
            futures.setdefault(request.id, []).append(future)
        trouble = "the call ended without it"
        try:
            async for completion in self._stream([request for request, _ in part]):
                _resolve(futures.pop(completion.id, ()), completion)
        except Exception as error:  # the stream's, whatever it is: the others of the call must not wait for ever
            trouble = f"{type(error).__name__}: {error}"
        for key, waiting in futures.items():
            lost = Completion(id=key, text="", outcome=Outcome.ENGINE_ERROR, usage=Usage(), message=trouble)
            _resolve(waiting, lost)


def _resolve(futures: Sequence["asyncio.Future[Completion]"], completion: Completion) -> None:
    for future in futures:
        if not future.done():
            future.set_result(completion)
