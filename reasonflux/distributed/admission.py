"""Many requests run at once; what must not run beside any waits until they have ended, and holds new ones back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Admission:
    """Belongs to one event loop. Whoever comes while it is closed waits until it opens."""

    def __init__(self) -> None:
        self._inside = 0
        self._open = asyncio.Event()
        self._open.set()
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def is_open(self) -> bool:
        """Whether who comes now goes in at once."""
        return self._open.is_set()

    @asynccontextmanager
    async def enter(self) -> AsyncIterator[None]:
        """Held by one request for as long as it runs."""
        while not self._open.is_set():
            await self._open.wait()
        self._inside += 1
        self._empty.clear()
        try:
            yield
        finally:
            self._inside -= 1
            if not self._inside:
                self._empty.set()

    @asynccontextmanager
    async def closed(self) -> AsyncIterator[None]:
        """Nobody comes in from here on; who is inside may still be. One at a time."""
        while not self._open.is_set():
            await self._open.wait()
        self._open.clear()
        try:
            yield
        finally:
            self._open.set()

    async def emptied(self, deadline_s: float) -> bool:
        """Waits until nobody is inside; False when somebody still is after `deadline_s`."""
        try:
            await asyncio.wait_for(self._empty.wait(), deadline_s)
        except TimeoutError:
            return False
        return True
