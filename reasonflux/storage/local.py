"""Files below one local directory, each written so that a crash at any moment leaves it whole or absent."""

import errno
import os
import shutil
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

Names = list[str]  # inside the class below `list` is a method

_TEMPORARY = ".writing-"  # begins the name of a file or directory that is still being written


class LocalFiles:
    """Atomic reads and writes below `root`; names are relative, with `/`. Errors are those of the operating system."""

    def __init__(self, root: str) -> None:
        self.root = Path(root)

    def get(self, name: str) -> bytes | None:
        """The bytes of a file, None when there is none."""
        try:
            return (self.root / name).read_bytes()
        except FileNotFoundError:
            return None

    def get_many(self, names: Sequence[str]) -> dict[str, bytes]:
        """The bytes of those files that exist."""
        found = ((name, self.get(name)) for name in names)
        return {name: data for name, data in found if data is not None}

    def put(self, name: str, data: bytes) -> None:
        """Write or replace a file: temporary file beside it, fsync, rename, fsync of the directory."""
        target = self.root / name
        temporary = _write_beside(target, data)
        try:
            os.rename(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
        _sync_directory(target.parent)

    def create(self, name: str, data: bytes) -> bool:
        """Write a file unless its name is taken: a hard link, which fails when the name exists."""
        target = self.root / name
        temporary = _write_beside(target, data)
        try:
            os.link(temporary, target)
        except FileExistsError:
            return False
        finally:
            temporary.unlink()
        _sync_directory(target.parent)
        return True

    def exists(self, name: str) -> bool:
        """Whether there is a file of this name."""
        return (self.root / name).is_file()

    def list(self, prefix: str) -> Names:
        """Names that begin with `prefix`, unsorted, without what is still being written."""
        return [name for name in self._walk(prefix) if _TEMPORARY not in name]

    def leftovers(self) -> Names:
        """Names of temporary files; a writer that was killed leaves one."""
        return [name for name in self._walk("") if _TEMPORARY in name]

    def delete(self, name: str) -> None:
        """Remove a file; nothing happens when there is none."""
        with suppress(FileNotFoundError):
            (self.root / name).unlink()

    def publish(self, directory: str, files: Mapping[str, bytes]) -> bool:
        """Write all files into a directory that did not exist, by one rename; False when it holds anything else."""
        target = self.root / directory
        temporary = target.parent / f"{_TEMPORARY}{uuid.uuid4().hex}"
        try:
            for name, data in files.items():
                LocalFiles(str(temporary)).put(name, data)
            taken = not _rename_directory(temporary, target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        there = LocalFiles(str(target))
        return not taken or (
            set(there.list("")) == set(files) and all(there.get(name) == data for name, data in files.items())
        )

    def _walk(self, prefix: str) -> Names:
        names = []
        for directory, _, files in os.walk(self.root / prefix.rpartition("/")[0], onerror=_raise_unless_absent):
            relative = Path(directory).relative_to(self.root)
            names += [(relative / file).as_posix() for file in files]
        return [name for name in names if name.startswith(prefix)]


def _raise_unless_absent(error: OSError) -> None:
    """A directory that cannot be read is no empty one; one that is not there, or not any more, is."""
    if not isinstance(error, FileNotFoundError):
        raise error


def _write_beside(target: Path, data: bytes) -> Path:
    """A synced temporary file in `target`'s directory."""
    _make_directory(target.parent)
    temporary = target.parent / f"{_TEMPORARY}{uuid.uuid4().hex}"
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _make_directory(path: Path) -> None:
    """Make a directory and its parents, each entry synced, so that a file in it survives a power failure."""
    if path.is_dir():
        return
    _make_directory(path.parent)
    path.mkdir(exist_ok=True)
    _sync_directory(path.parent)


def _rename_directory(old: Path, new: Path) -> bool:
    """Whether `old` became `new`, which must not exist or be empty."""
    try:
        os.rename(old, new)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise
    _sync_directory(new.parent)
    return True


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
