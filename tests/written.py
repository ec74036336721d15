"""Everything that was written below a directory, as one would read it: what is packed is unpacked."""

import base64
import gzip
import json
import os
import re
import secrets
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import pyarrow.parquet as pq

CANARY = f"canary-{secrets.token_hex(8)}"  # made now: no file of the project, which Ray copies, holds it
SECRETS = {
    "AWS_SECRET_ACCESS_KEY": f"{CANARY}/aws",
    "HF_TOKEN": f"hf_{CANARY}",
    "OPENAI_API_KEY": f"sk-{CANARY}",
    "REASONFLUX_API_KEYS": f"key-{CANARY}",
    "WANDB_API_KEY": f"{CANARY}-wandb",
}
PACKED = re.compile(rb"H4sI[A-Za-z0-9+/]{16,}={0,2}")  # gzip in base64: the blocks of a report


def written(*places: Path) -> Iterator[tuple[str, bytes]]:
    """Each file's path, and what it holds: rows of Parquet as JSON, members of archives, blocks of reports."""
    for place in places:
        for path in sorted(place.rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield str(path), b"\n".join(_texts(path))


def leaked(*places: Path) -> list[str]:
    """Files below the directories that hold a planted secret, or the token of the tests' Rays."""
    return leaks(written(*places), CANARY, os.environ["RAY_AUTH_TOKEN"])


def leaks(files: Iterable[tuple[str, bytes]], *hidden: str) -> list[str]:
    """Those that hold a secret."""
    return [name for name, data in files if any(secret.encode() in data for secret in hidden)]


def _texts(path: Path) -> Iterator[bytes]:
    if path.suffix == ".parquet":
        yield json.dumps(pq.ParquetFile(path).read().to_pylist(), default=str, ensure_ascii=False).encode()
        return
    data = path.read_bytes()
    yield data
    for block in PACKED.findall(data):
        with suppress(OSError, EOFError, ValueError, zlib.error):  # a log may have cut it
            yield gzip.decompress(base64.b64decode(block))
    if path.suffix == ".gz":
        yield gzip.decompress(data)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield from map(archive.read, archive.namelist())
