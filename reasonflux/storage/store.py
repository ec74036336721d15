"""A place that holds a run: a local directory or a URI that fsspec opens. Nothing in it is ever half there."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from reasonflux.errors import BadInput, ReasonFluxError, StorageError
from reasonflux.storage.local import LocalFiles

Names = list[str]  # inside the classes below `list` is a method


class Files(Protocol):
    """What a kind of place must offer: `LocalFiles` and `ObjectFiles`."""

    def get(self, name: str) -> bytes | None: ...
    def get_many(self, names: Sequence[str]) -> dict[str, bytes]: ...
    def put(self, name: str, data: bytes) -> None: ...
    def create(self, name: str, data: bytes) -> bool: ...
    def exists(self, name: str) -> bool: ...
    def list(self, prefix: str) -> Names: ...
    def leftovers(self) -> Names: ...
    def delete(self, name: str) -> None: ...
    def publish(self, directory: str, files: Mapping[str, bytes]) -> bool: ...


@dataclass(frozen=True)
class Store:
    """Named bytes below `uri` (an absolute path, or `s3://bucket/prefix`).

    Picklable; the file system is opened on first use in each process. `AWS_ENDPOINT_URL` and the other AWS variables
    are honoured. Every method raises `StorageError` when the place cannot be reached or refuses.
    """

    uri: str

    @classmethod
    def at(cls, place: str | Path) -> "Store":
        """The store at a path (made absolute) or URI. Touches nothing; raises `BadInput` for a URI nothing can open."""
        text = str(place)
        if not text:
            raise BadInput("the place of a run is empty", "Name a directory or a URI such as s3://bucket/prefix")
        scheme = urlsplit(text).scheme
        if "://" not in text or scheme in ("file", "local"):
            return cls(os.path.abspath(os.path.expanduser(text.split("://", 1)[-1])))
        _check_scheme(text, scheme)
        return cls(text.replace("s3a://", "s3://", 1).rstrip("/"))

    @property
    def is_local(self) -> bool:
        """Whether the store is a directory of this machine, or one mounted on it."""
        return "://" not in self.uri

    def child(self, *parts: str) -> "Store":
        """The store at a directory below this one."""
        return Store("/".join((self.uri, *parts)))

    def read(self, path: str) -> bytes:
        """The bytes at `path`; raises `StorageError` when there are none."""
        data = self.get(path)
        if data is None:
            raise StorageError(f"{self.uri}/{path} does not exist", "Run `reasonflux fsck` on the run directory")
        return data

    def get(self, path: str) -> bytes | None:
        """The bytes at `path`, None when there are none."""
        with _told(f"read {self.uri}/{path}"):
            return self._files.get(path)

    def get_many(self, paths: Sequence[str]) -> dict[str, bytes]:
        """The bytes at those paths that exist; on S3 they are fetched side by side."""
        with _told(f"read {len(paths)} files below {self.uri}"):
            return self._files.get_many(paths)

    def put(self, path: str, data: bytes) -> None:
        """Write or replace in one atomic put: a reader sees the old bytes or the new ones, and so does a crash."""
        with _told(f"write {self.uri}/{path}"):
            self._files.put(path, data)

    def create(self, path: str, data: bytes) -> bool:
        """Write unless the name is taken, atomically; True when these bytes stand there now, False when others do."""
        with _told(f"write {self.uri}/{path}"):
            return self._files.create(path, data) or self._files.get(path) == data

    def exists(self, path: str) -> bool:
        """Whether there is a file at `path`; a directory is none."""
        with _told(f"read {self.uri}/{path}"):
            return self._files.exists(path)

    def list(self, prefix: str = "") -> Names:
        """Names relative to the store that begin with `prefix`, sorted, as they are now; [] when there are none."""
        with _told(f"list {self.uri}/{prefix}"):
            return sorted(self._files.list(prefix))

    def leftovers(self) -> Names:
        """Temporary files that killed writers left; they may be deleted when no writer is at work."""
        with _told(f"list {self.uri}"):
            return sorted(self._files.leftovers())

    def delete(self, path: str) -> None:
        """Remove a file; nothing happens when there is none."""
        with _told(f"delete {self.uri}/{path}"):
            self._files.delete(path)

    def publish(self, directory: str, files: Mapping[str, bytes]) -> None:
        """Write files into a directory that did not exist.

        Locally the directory appears whole, by one rename. On S3, which has no such thing, a file `_SUCCESS` comes
        after the others. Done again with equal content it succeeds; raises `StorageError` when the directory holds
        anything else.
        """
        with _told(f"publish {self.uri}/{directory}"):
            published = self._files.publish(directory, files)
        if not published:
            raise StorageError(
                f"{self.uri}/{directory} holds something other than what is to be published",
                "Published data is never overwritten: remove the directory, or publish under another name",
            )

    @property
    def _files(self) -> Files:
        if self.is_local:
            return LocalFiles(self.uri)
        from reasonflux.storage.objects import ObjectFiles  # fsspec and s3fs take a while to import

        return ObjectFiles(self.uri)


def _check_scheme(text: str, scheme: str) -> None:
    from fsspec import available_protocols

    if scheme not in available_protocols():
        raise BadInput(f"nothing opens {text}: unknown scheme {scheme}", "Use a local path or s3://bucket/prefix")
    if not urlsplit(text).netloc and scheme in ("s3", "s3a"):
        raise BadInput(f"{text} names no bucket", "Use s3://bucket/prefix")


@contextmanager
def _told(action: str) -> Iterator[None]:
    """Turn whatever a file system's library raises into one picklable error that says what was being done."""
    try:
        yield
    except ReasonFluxError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise StorageError(f"cannot {action}: {reason}") from error
