"""Files that the user names, on any fsspec URI, opened for reading or refused in one line."""

import lzma
import threading
import zlib
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import BinaryIO

import fsspec

from reasonflux.errors import BadInput

OPEN_DEADLINE_S = 10.0
_DAMAGED = (OSError, EOFError, zlib.error, lzma.LZMAError)  # cut off or not what its ending says, or the way to it is


@contextmanager
def open_input(uri: str, setting: str) -> Iterator[BinaryIO]:
    """The bytes of a file, decompressed by its ending; `setting` is the config field that names it.

    Raises `BadInput` where there is none, where it cannot be opened (a directory, no permission, no credentials, an
    unknown protocol, an endpoint that refuses or that does not answer within `OPEN_DEADLINE_S`), and where it breaks
    off while it is read.
    """
    try:
        opened = _open(uri)
    except FileNotFoundError as error:
        raise BadInput(f"there is no {uri or 'file of an empty name'}", f"Check {setting}: a path or URI") from error
    except Exception as error:  # each filesystem has errors of its own, botocore's for one are no OSError
        raise BadInput(f"{uri} cannot be opened: {_reason(error)}", f"Check {setting}, and who may read it") from error
    with opened as file:
        try:
            yield file
        except _DAMAGED as error:
            raise BadInput(f"{uri} cannot be read to its end: {_reason(error)}", f"Check {setting}") from error


def _open(uri: str) -> BinaryIO:
    """Opens in a thread that nobody waits for after the deadline: to a dead endpoint, clients go back for minutes."""
    file = fsspec.open(uri, "rb", compression="infer")  # before the clock runs: imports take a while
    outcome: Future[BinaryIO] = Future()

    def attempt() -> None:
        try:
            outcome.set_result(file.open())
        except Exception as error:  # handed to the caller's thread
            outcome.set_exception(error)

    threading.Thread(target=attempt, name="open-input", daemon=True).start()
    try:
        return outcome.result(OPEN_DEADLINE_S)
    except TimeoutError as error:
        if outcome.done():
            raise
        raise TimeoutError(f"no answer within {OPEN_DEADLINE_S:g} s") from error


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
