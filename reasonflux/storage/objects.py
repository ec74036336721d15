"""Objects below one URI of an fsspec file system, S3 above all: a put is atomic, a create is a conditional put."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import fsspec

Names = list[str]  # inside the class below `list` is a method

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 60.0
REQUEST_ATTEMPTS = 4  # botocore's own, with backoff: throttling and server errors
CONFLICT_ATTEMPTS = 8  # S3 answers 409 to a conditional put that races with another; it is to be sent again


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
        if not names:
            return {}
        paths = {self._path(name): name for name in names}
        found = {}
        for path, data in self._fs.cat(list(paths), on_error="return").items():
            if isinstance(data, FileNotFoundError):
                continue
            if isinstance(data, Exception):
                raise data
            found[paths[path]] = data
        return found

    def put(self, name: str, data: bytes) -> None:
        """Write or replace an object in one put."""
        self._fs.pipe_file(self._path(name), data)

    def create(self, name: str, data: bytes) -> bool:
        """Write an object unless its name is taken (`If-None-Match: *` on S3)."""
        for attempt in range(CONFLICT_ATTEMPTS):
            try:
                self._fs.pipe_file(self._path(name), data, mode="create")
            except FileExistsError:
                return False
            except OSError as error:
                if not _is_conflict(error) or attempt == CONFLICT_ATTEMPTS - 1:
                    raise
                time.sleep(0.05 * 2**attempt)
            else:
                return True
        raise AssertionError("unreachable")

    def exists(self, name: str) -> bool:
        """Whether there is an object of this name."""
        return bool(self._fs.isfile(self._path(name)))

    def list(self, prefix: str) -> Names:
        """Names that begin with `prefix`, unsorted, asked of the server each time."""
        self._fs.invalidate_cache()
        directory = self._path(prefix.rpartition("/")[0]).rstrip("/")
        names = (path.removeprefix(f"{self._root}/") for path in self._fs.find(directory))
        return [name for name in names if name.startswith(prefix) and name and not name.endswith("/")]

    def leftovers(self) -> Names:
        """None: a put that was broken off leaves no object."""
        return []

    def delete(self, name: str) -> None:
        """Remove an object; nothing happens when there is none."""
        if self._fs.exists(self._path(name)):
            self._fs.rm_file(self._path(name))

    def publish(self, directory: str, files: Mapping[str, bytes]) -> bool:
        """Create the objects in the mapping's order. False: something is there already, or came meanwhile."""
        if self.list(f"{directory}/"):
            return False
        return all(self.create(f"{directory}/{name}", data) for name, data in files.items())

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"


def _open(uri: str, timeout_s: float | None) -> tuple[Any, str]:
    # fsspec's listing cache is off: after an overwrite it gave stale answers in the process that wrote.
    options: dict[str, Any] = {"use_listings_cache": False, "skip_instance_cache": True}
    if uri.startswith("s3://"):
        options["max_concurrency"] = 1  # more would cost a HEAD before each read
        options["config_kwargs"] = {
            "connect_timeout": timeout_s or CONNECT_TIMEOUT_S,
            "read_timeout": timeout_s or READ_TIMEOUT_S,
            "retries": {"mode": "standard", "max_attempts": 1 if timeout_s else REQUEST_ATTEMPTS},
        }
    fs, root = fsspec.core.url_to_fs(uri, **options)
    if uri.startswith("s3://"):
        fs.retries = 1 if timeout_s else 2  # s3fs's loop around botocore's: broken bodies
    return fs, root


def _is_conflict(error: OSError) -> bool:
    response = getattr(error.__cause__, "response", None) or {}
    return bool(response.get("Error", {}).get("Code") == "ConditionalRequestConflict")
