"""The lease of a run: one driver at a time, a heartbeat, a fencing token.

A driver takes the run by creating `lease/<token>.json`, token = highest + 1; of two that try, one wins. It rewrites
only its own file, as its heartbeat. Another driver refuses while the heartbeat moves, and takes over when the holder
has released, is seen to be gone, or was silent for a whole time to live by the watcher's own clock: clocks of two
machines are never compared.
"""

import logging
import threading
import time
import uuid
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from reasonflux.errors import LeaseHeld, StorageError
from reasonflux.storage.fence import Fence, highest_token, path_of
from reasonflux.storage.holder import Holder
from reasonflux.storage.store import Store

__all__ = ["Fence", "Holder", "Lease", "LeaseFile"]

_POLLS_PER_HEARTBEAT = 10
_log = logging.getLogger(__name__)


class LeaseFile(BaseModel):
    """What `lease/<token>.json` holds. Times are the holder's, for people to read; nothing is computed from them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    token: int
    nonce: str  # two drivers never write equal bytes
    holder: Holder
    since: str  # UTC
    last_heartbeat: str  # UTC
    beats: int
    ttl_s: float
    heartbeat_s: float
    released: bool = False


class Lease:
    """A run held by this process. Make one with `acquire`; use it as a context manager, or call `release`."""

    def __init__(self, store: Store, file: LeaseFile) -> None:
        self._store = store
        self._file = file
        self._lost = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="lease-heartbeat", daemon=True)
        self._thread.start()

    @classmethod
    def acquire(
        cls, store: Store, holder: Holder, ttl_s: float = 30.0, heartbeat_s: float = 5.0, *, wait: bool = True
    ) -> "Lease":
        """Take the run in `store`.

        Raises `LeaseHeld` that names the holder as soon as its heartbeat is seen to move. With `wait`, a silent holder
        is watched for its `ttl_s` seconds and then displaced; without, it is named at once unless it is gone.
        """
        while True:
            token = highest_token(store)
            if token:
                _wait_until_free(store, token, wait)
            now = _now()
            file = LeaseFile(
                token=token + 1,
                nonce=uuid.uuid4().hex,
                holder=holder,
                since=now,
                last_heartbeat=now,
                beats=0,
                ttl_s=ttl_s,
                heartbeat_s=heartbeat_s,
            )
            if store.create(path_of(file.token), _to_bytes(file)):
                return cls(store, file)

    @property
    def token(self) -> int:
        """The fencing token: higher than that of every driver before."""
        return self._file.token

    @property
    def lost(self) -> bool:
        """Whether the heartbeat has seen another driver take the run over."""
        return self._lost.is_set()

    @property
    def fence(self) -> Fence:
        """This lease for workers to check."""
        return Fence(self._store, self.token)

    def check(self) -> None:
        """Look at the store now; raises `LeaseHeld` that names the new holder when there is a higher token."""
        highest = highest_token(self._store)
        if highest > self.token:
            self._lost.set()
            file = _load(self._store, highest)
            raise LeaseHeld(
                f"this driver (token {self.token}) was silent for too long: the run in {self._store.uri} is held by "
                f"{_name(file)}",
                "Leave the run to it; nothing committed is lost",
            )

    def release(self) -> None:
        """Give the run back, so that the next driver need not wait. A lease that was lost is left alone."""
        if self._ended.is_set():
            return
        self._ended.set()
        self._thread.join()
        if not self.lost:
            self._write(released=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()

    def _keep(self) -> None:
        while not self._ended.wait(self._file.heartbeat_s):
            try:
                if highest_token(self._store) > self.token:
                    self._lost.set()
                    return
                self._write()
            except StorageError:
                continue  # the store may come back; if not, commits fail, and another driver may take over

    def _write(self, *, released: bool = False) -> None:
        self._file = self._file.model_copy(
            update={"beats": self._file.beats + 1, "last_heartbeat": _now(), "released": released}
        )
        self._store.put(path_of(self.token), _to_bytes(self._file))


def _wait_until_free(store: Store, token: int, wait: bool) -> None:
    """Return when the holder of `token` has released, is gone or has been silent for its time to live."""
    file = first = _load(store, token)
    began = time.monotonic()
    while not (file.released or file.holder.is_gone):
        if file.beats != first.beats or not wait:
            raise LeaseHeld(
                f"the run in {store.uri} is held by {_name(file)}", "Wait for it, end it, or give this run another name"
            )
        if time.monotonic() - began > file.ttl_s:
            return
        if file is first:
            _log.warning("watching for up to %g s whether the holder of the run is alive: %s", file.ttl_s, _name(file))
        time.sleep(file.heartbeat_s / _POLLS_PER_HEARTBEAT)
        file = _load(store, token)


def _load(store: Store, token: int) -> LeaseFile:
    path = path_of(token)
    try:
        return LeaseFile.model_validate_json(store.read(path))
    except ValidationError as error:
        raise StorageError(
            f"{store.uri}/{path} is no lease: {error.errors()[0]['msg']}", "Remove it when no driver is at work"
        ) from error


def _to_bytes(file: LeaseFile) -> bytes:
    return (file.model_dump_json(indent=1) + "\n").encode()


def _name(file: LeaseFile) -> str:
    holder = file.holder
    return (
        f"process {holder.pid} on {holder.host} since {file.since} (last heartbeat {file.last_heartbeat}): "
        f"{holder.command}"
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
