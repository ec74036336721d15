"""How much may be in flight at once."""

import asyncio
from collections import deque


class Room:
    """Places that lists of requests take whole and leave one by one, first come, first served.

    A list of which only the longest answers are missing takes few places, and so the next one can begin: what an engine
    has to do does not depend on how its requests were cut into lists. Belongs to one event loop at a time.
    """

    def __init__(self, places: int) -> None:
        """`places`: most requests in flight; a list that is larger has the room to itself."""
        self._places, self._taken = places, 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def enter(self, count: int) -> None:
        """Waits until `count` places are free and everybody who came before is in."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((count, turn))
        self._let_in()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave(count)  # it had just been let in
            raise

    def leave(self, count: int = 1) -> None:
        """`count` places are free again."""
        self._taken -= count
        self._let_in()

    def _let_in(self) -> None:
        while self._waiting:
            count, turn = self._waiting[0]
            if not turn.cancelled():
                if self._taken and self._taken + count > self._places:
                    return
                self._taken += count
                turn.set_result(None)
            self._waiting.popleft()
