"""Files that the user names, on any fsspec URI, opened for reading or refused in one line."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import fsspec

from reasonflux.errors import BadInput


@contextmanager
def open_input(uri: str, setting: str) -> Iterator[BinaryIO]:
    """The bytes of a file, decompressed by its ending; `setting` is the config field that names it.

    Raises `BadInput` where there is none, or where it cannot be opened: a directory, no permission, no credentials, an
    unknown protocol, an endpoint that does not answer.
    """
    try:
        opened = fsspec.open(uri, "rb", compression="infer").open()
    except FileNotFoundError as error:
        raise BadInput(f"there is no {uri or 'file of an empty name'}", f"Check {setting}: a path or URI") from error
    except Exception as error:  # each filesystem has errors of its own, botocore's for one are no OSError
        reason = " ".join(str(error).split()) or type(error).__name__
        raise BadInput(f"{uri} cannot be opened: {reason}", f"Check {setting}, and who may read it") from error
    with opened as file:
        yield file
