"""`Generate` over a Serve application: lists in, lists out, and what is missing is asked for again.

A call that breaks (replica killed, engine dead, nothing for too long) costs only the completions that had not arrived.
No request is dropped and none raises: after the last attempt it gets a completion with outcome `engine_error`.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from reasonflux.errors import Deadline
from reasonflux.protocols import Completion, Outcome, Request
from reasonflux.records import Usage

_LOGGER = logging.getLogger(__name__)


@dataclass(kw_only=True)
class EngineClient:
    """Calls one application. Picklable; a handle is made in the process, and on the first call, that uses it."""

    application: str
    attempts: int = 5  # calls per request
    deadline_s: float = 600.0  # between two completions of one call
    backoff_s: float = 1.0  # before the second call; doubled each time, with jitter, up to `max_backoff_s`
    max_backoff_s: float = 20.0
    _generate: Any = field(default=None, init=False, repr=False, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_generate": None}

    async def __call__(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion a request, in the requests' order."""
        done = {completion.id: completion async for completion in self.stream(requests)}
        return [done[request.id] for request in requests]

    async def stream(self, requests: Sequence[Request]) -> AsyncIterator[Completion]:
        """One completion for each distinct id, as they arrive; those that failed last."""
        missing = {request.id: request for request in requests}
        troubles: dict[str, Completion] = {}  # answers that say the engine failed: worth another call
        trouble = ""
        for attempt in range(1, self.attempts + 1):
            try:
                async for completion in self._call(list(missing.values())):
                    if completion.id not in missing:
                        continue
                    completion = replace(completion, usage=replace(completion.usage, attempts=attempt))
                    if completion.outcome is Outcome.ENGINE_ERROR:
                        troubles[completion.id] = completion
                        trouble = completion.message
                        continue
                    del missing[completion.id]
                    yield completion
                if missing and not trouble:
                    trouble = "the call ended without them"
            except Exception as error:  # Ray, Serve and vLLM each have their own, and none is a reason to lose a row
                trouble = f"{type(error).__name__}: {_first_line(error)}"
            if not missing:
                return
            _LOGGER.warning(
                "%s: attempt %d of %d left %d of %d requests (%s)",
                self.application,
                attempt,
                self.attempts,
                len(missing),
                len(requests),
                trouble,
            )
            if attempt < self.attempts:
                await asyncio.sleep(self._pause(attempt))
        for request in missing.values():
            yield troubles.get(request.id) or self._given_up(request, trouble)

    async def _call(self, requests: list[Request]) -> AsyncIterator[Completion]:
        """One call; raises `Deadline` when nothing arrives for `deadline_s`."""
        if self._generate is None:
            self._generate = await asyncio.to_thread(_generate_method, self.application)
        response = self._generate.remote(requests)
        arrived = 0
        try:
            while True:
                try:
                    batch = await asyncio.wait_for(anext(response), self.deadline_s)
                except StopAsyncIteration:
                    return
                for completion in batch:
                    yield completion
                arrived += len(batch)
        except TimeoutError:
            what = (
                f"no completion from {self.application} for {self.deadline_s:g} s, {arrived} of {len(requests)} arrived"
            )
            raise Deadline(what, "Is a replica running? See `serve status`") from None
        finally:
            response.cancel()

    def _pause(self, attempt: int) -> float:
        return min(self.max_backoff_s, self.backoff_s * 2 ** (attempt - 1)) * random.uniform(0.5, 1.0)

    def _given_up(self, request: Request, trouble: str) -> Completion:
        message = f"{trouble} (given up after {self.attempts} calls to {self.application})"
        usage = Usage(attempts=self.attempts, checkpoint=request.checkpoint or "")
        return Completion(id=request.id, text="", outcome=Outcome.ENGINE_ERROR, usage=usage, message=message)


def _generate_method(application: str) -> Any:
    from ray import serve

    return serve.get_app_handle(application).options(stream=True).generate


def _first_line(error: Exception) -> str:
    """The last line that a reader can use: Ray's errors carry whole tracebacks."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else "")[:500]
