"""Fencing tokens: whoever holds the highest token of a run may write, and everybody else finds out before writing.

`lease/<token>.json` exists once a driver has taken the run with this token; tokens only grow.
"""

import time
from dataclasses import dataclass

from reasonflux.errors import LeaseHeld
from reasonflux.storage.store import Store

DIRECTORY = "lease"
_last_look: dict[tuple[str, int], float] = {}  # by store and token, monotonic seconds of this process


def path_of(token: int) -> str:
    """Where a token's file lies, relative to the run's store."""
    return f"{DIRECTORY}/{token:08d}.json"


def highest_token(store: Store) -> int:
    """The highest token of a run, 0 when nobody has ever held it."""
    names = (name.rpartition("/")[2].removesuffix(".json") for name in store.list(f"{DIRECTORY}/"))
    return max((int(name) for name in names if name.isdigit()), default=0)


@dataclass(frozen=True)
class Fence:
    """A driver's token in the hands of its workers. Picklable.

    Between two looks at the store lie at least `every_s` seconds, so that a check before each commit is cheap; a
    straggler of a driver that was displaced may thus write for so long, which parts made by `create` survive.
    """

    store: Store
    token: int
    every_s: float = 2.0

    def check(self) -> None:
        """Raises `LeaseHeld` once a higher token exists."""
        key = (self.store.uri, self.token)
        now = time.monotonic()
        if now - _last_look.get(key, -self.every_s) < self.every_s:
            return
        highest = highest_token(self.store)
        if highest > self.token:
            raise LeaseHeld(
                f"another driver (token {highest}) has taken the run in {self.store.uri} over from token {self.token}",
                "Leave the run to it, or end it and run again",
            )
        _last_look[key] = now
