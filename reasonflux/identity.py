"""Ids, seeds and digests: pure functions of content, equal on every machine."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

ID_BYTES = 16

Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]


def digest(*parts: Json) -> str:
    """32 hexadecimal digits (128 bits) over the canonical JSON of `parts`; floats must be finite."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return hashlib.blake2b(text.encode(), digest_size=ID_BYTES).hexdigest()


def seed_of(of: str) -> int:
    """The sampling seed of a row: the first 31 bits of a digest, so that a row done again is drawn again alike."""
    return int(of[:8], 16) & 0x7FFFFFFF


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
