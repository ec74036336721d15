"""Objects below one URI of an fsspec file system, S3 above all: a put is atomic, a create is a conditional put."""

import hashlib
import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache
from typing import Any

import fsspec

from reasonflux.identity import digest

Names = list[str]  # inside the class below `list` is a method

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 60.0
REQUEST_ATTEMPTS = 4  # botocore's own, with backoff: throttling and server errors
READERS = 16  # reads side by side
WHOLE = "_SUCCESS"  # says that a published directory is whole; readers of Parquet pass names with _ over
CONFLICT_PAUSES_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)  # S3 answers 409, try again, to a conditional put amid another


class ObjectFiles:
    """Reads and writes below `uri`; names are relative, with `/`. Errors are those of the file system's library."""

    def __init__(self, uri: str, *, timeout_s: float | None = None) -> None:
        """With `timeout_s`, one attempt a request and no more seconds than that to connect and to read: for probes."""
        self._fs, self._root = _open(uri, timeout_s)

    def get(self, name: str) -> bytes | None:
        """The bytes of an object, None when there is none."""
        try:
            data: bytes = self._fs.cat_file(self._path(name))
        except FileNotFoundError:
            return None
        return data

    def get_many(self, names: Sequence[str]) -> dict[str, bytes]:
        """The bytes of those objects that exist, fetched side by side."""
        with ThreadPoolExecutor(READERS) as pool:
            found = zip(names, pool.map(self.get, names), strict=True)
            return {name: data for name, data in found if data is not None}

    def put(self, name: str, data: bytes) -> None:
        """Write or replace an object in one put."""
        self._fs.pipe_file(self._path(name), data)

    def create(self, name: str, data: bytes) -> bool:
        """Write an object unless its name is taken (`If-None-Match: *` on S3)."""
        for pause in (*CONFLICT_PAUSES_S, None):
            try:
                self._fs.pipe_file(self._path(name), data, mode="create")
                return True
            except FileExistsError:
                return False
            except OSError as error:
                if pause is None or not _is_conflict(error):
                    raise
                time.sleep(pause)
        raise AssertionError("the last pass returns or raises")

    def exists(self, name: str) -> bool:
        """Whether there is an object of this name."""
        return bool(self._fs.isfile(self._path(name)))

    def list(self, prefix: str) -> Names:
        """Names that begin with `prefix`, unsorted, asked of the server each time."""
        directory = self._path(prefix.rpartition("/")[0]).rstrip("/")
        names = (path.removeprefix(f"{self._root}/") for path in self._fs.find(directory))
        return [name for name in names if name.startswith(prefix) and not name.endswith("/")]

    def leftovers(self) -> Names:
        """None: a put that was broken off leaves no object."""
        return []

    def delete(self, name: str) -> None:
        """Remove an object; nothing happens when there is none."""
        with suppress(FileNotFoundError):
            self._fs.rm_file(self._path(name))

    def publish(self, directory: str, files: Mapping[str, bytes]) -> bool:
        """Create the objects, then `_SUCCESS` with their digest; False when anything else is or comes there.

        What was cut off before `_SUCCESS` is completed. One file at a time is held in memory.
        """
        paths = {f"{directory}/{name}": name for name in files}
        success, there = f"{directory}/{WHOLE}", set(self.list(f"{directory}/"))
        if there - paths.keys() - {success} or (success in there and paths.keys() - there):
            return False
        digests = {}
        for path, name in paths.items():
            data = files[name]
            if not (self.create(path, data) or self.get(path) == data):
                return False
            digests[name] = hashlib.sha256(data).hexdigest()
        whole = digest(digests).encode()
        return self.create(success, whole) or self.get(success) == whole

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"


def _open(uri: str, timeout_s: float | None) -> tuple[Any, str]:
    if not uri.startswith("s3://"):
        return fsspec.core.url_to_fs(uri, use_listings_cache=False)
    settings = tuple(sorted(item for item in os.environ.items() if item[0].startswith("AWS_")))
    return _open_s3(settings, os.getpid(), timeout_s), uri.removeprefix("s3://")


@lru_cache(maxsize=8)
def _open_s3(settings: tuple[tuple[str, str], ...], pid: int, timeout_s: float | None) -> Any:
    """One client a process, since it does not survive a fork, and one for each setting of AWS's variables."""
    fs = fsspec.filesystem(
        "s3",
        skip_instance_cache=True,
        use_listings_cache=False,  # after an overwrite it gave stale answers in the process that wrote
        max_concurrency=1,  # more would cost a HEAD before each read
        config_kwargs={
            "connect_timeout": timeout_s or CONNECT_TIMEOUT_S,
            "read_timeout": timeout_s or READ_TIMEOUT_S,
            "retries": {"mode": "standard", "max_attempts": 1 if timeout_s else REQUEST_ATTEMPTS},
            "max_pool_connections": READERS,
        },
    )
    fs.retries = 1 if timeout_s else 2  # s3fs's loop around botocore's: broken bodies
    return fs


def _is_conflict(error: OSError) -> bool:
    response = getattr(error.__cause__, "response", None) or {}
    return bool(response.get("Error", {}).get("Code") == "ConditionalRequestConflict")
