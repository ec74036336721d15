"""`Generate` over a Serve application: lists in, lists out, and what is missing is asked for again.

A call that breaks (replica killed, engine dead, nothing for too long) costs only the completions that had not arrived.
No request is dropped and none raises: after the last attempt it gets a completion with outcome `engine_error`.
"""

import asyncio
import logging
import random
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from reasonflux.distributed.room import Room
from reasonflux.errors import Deadline
from reasonflux.protocols import Completion, Outcome, Request
from reasonflux.records import Usage

logger = logging.getLogger(__name__)


def generate_method(application: str) -> Any:
    """The application's streaming `generate`: `.remote(requests)` gives an async iterator of lists of completions."""
    from ray import serve

    return serve.get_app_handle(application).options(stream=True).generate


@dataclass
class EngineClient:
    """Calls one application. Picklable; a handle is made in the process, and on the first call, that uses it."""

    application: str
    attempts: int = field(default=5, kw_only=True)  # calls per request
    deadline_s: float = field(default=600.0, kw_only=True)  # between two arrivals of one call
    backoff_s: float = field(default=1.0, kw_only=True)  # before the second call; doubled each time, with jitter
    max_backoff_s: float = field(default=20.0, kw_only=True)
    in_flight: int | None = field(default=None, kw_only=True)  # requests of all lists without an answer; None: any
    connect: Callable[[str], Any] = field(default=generate_method, kw_only=True, repr=False)
    _generate: Any = field(default=None, init=False, repr=False, compare=False)
    _room: Room | None = field(default=None, init=False, repr=False, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_generate": None, "_room": None}

    def warm_up(self, deadline_s: float = 30.0) -> "EngineClient":
        """Itself, connected: asks for nothing, once, so that the first call does not wait for Serve's router to start.

        Within `deadline_s`; what goes wrong is left to the first call, which says so.
        """
        thread = threading.Thread(target=self._ask_nothing, name="engine-warm-up", daemon=True)
        thread.start()  # a thread of its own: Serve's handles are used differently inside a running loop
        thread.join(deadline_s)
        return self

    def _ask_nothing(self) -> None:
        with suppress(Exception):
            for _ in self.connect(self.application).remote([]):
                pass

    async def __call__(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion a request, in the requests' order; waits for room where `in_flight` bounds it."""
        left = len({request.id for request in requests})
        if self._room is None:
            self._room = Room(self.in_flight or sys.maxsize)
        await self._room.enter(left)
        done = {}
        try:
            async for completion in self.stream(requests):
                done[completion.id] = completion
                self._room.leave()
                left -= 1
        finally:
            self._room.leave(left)
        return [done[request.id] for request in requests]

    async def stream(self, requests: Sequence[Request]) -> AsyncGenerator[Completion, None]:
        """One completion for each distinct id, as they arrive; last those that no attempt brought."""
        missing = {request.id: request for request in requests}
        failed: dict[str, Completion] = {}  # answers that say the engine failed: worth another call
        for attempt in range(1, self.attempts + 1):
            trouble = "the call ended without them"
            try:
                async with aclosing(self._call(list(missing.values()))) as arriving:
                    async for completion in arriving:
                        usage = replace(completion.usage, attempts=attempt)
                        completion = replace(completion, usage=usage)
                        if completion.outcome is Outcome.ENGINE_ERROR:
                            failed[completion.id], trouble = completion, completion.message
                        elif missing.pop(completion.id, None):
                            yield completion
            except Exception as error:  # Ray, Serve and vLLM each have their own, and none is a reason to lose a row
                trouble = _in_short(error)
                self._generate = None
            if not missing:
                return
            logger.warning(
                "%s: call %d of %d left %d of %d requests (%s)",
                *(self.application, attempt, self.attempts, len(missing), len(requests), trouble),
            )
            if attempt < self.attempts:
                await asyncio.sleep(self._pause(attempt))
        for request in missing.values():
            yield failed.get(request.id) or self._given_up(request, trouble)

    async def _call(self, requests: list[Request]) -> AsyncGenerator[Completion, None]:
        """One call; raises `Deadline` when nothing arrives for `deadline_s`."""
        if self._generate is None:
            self._generate = await asyncio.to_thread(self.connect, self.application)
        response = self._generate.remote(requests)
        arrived = 0
        try:
            while arrived < len(requests):
                for completion in await asyncio.wait_for(anext(response), self.deadline_s):
                    arrived += 1
                    yield completion
        except StopAsyncIteration:
            return
        except TimeoutError:
            count = f"{arrived} of {len(requests)} arrived"
            what = f"no completion from {self.application} for {self.deadline_s:g} s ({count})"
            raise Deadline(what, "Does it have a replica? `serve status` says") from None
        finally:
            if arrived < len(requests):
                response.cancel()

    def _pause(self, attempt: int) -> float:
        return min(self.max_backoff_s, self.backoff_s * 2.0 ** (attempt - 1)) * random.uniform(0.5, 1.0)

    def _given_up(self, request: Request, trouble: str) -> Completion:
        message = f"{trouble} (given up after {self.attempts} calls of {self.application})"
        usage = Usage(attempts=self.attempts, checkpoint=request.checkpoint or "")
        return Completion(id=request.id, text="", outcome=Outcome.ENGINE_ERROR, usage=usage, message=message)


def _in_short(error: Exception) -> str:
    """An error's class and its last line: Ray puts whole tracebacks before it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[-1][:300]}" if lines else type(error).__name__
