"""Embeddings of a library, made once and kept: safetensors under a name made of model, library and texts (row R4)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from reasonflux.identity import digest
from reasonflux.library.load import TemplateLibrary
from reasonflux.protocols import Embed
from reasonflux.storage.store import Store

KEY = "vectors"


def vectors_of(
    texts: Sequence[str], library: TemplateLibrary, embed: Embed, kept: Store | None = None
) -> NDArray[np.float32]:
    """Unit vectors of the library's texts, of shape (texts, dimensions); read from `kept` where they lie there.

    The name holds the digests of the model's files, the library and the texts, so that a model that was trained on or
    a library that was changed finds nothing. A file that cannot be read is made again; it is put there whole.
    """
    name = vectors_name(texts, library, embed)
    if kept is not None and (data := kept.get(name)) is not None:
        found = _parse(data, len(texts))
        if found is not None:
            return found
    vectors = np.ascontiguousarray(embed(texts), dtype=np.float32)
    if kept is not None:
        kept.put(name, save({KEY: vectors}))
    return vectors


def vectors_name(texts: Sequence[str], library: TemplateLibrary, embed: Embed) -> str:
    """Name of the file that keeps them."""
    return f"embeddings-{digest(embed.digest, library.digest, list(texts))}.safetensors"


def _parse(data: bytes, rows: int) -> NDArray[np.float32] | None:
    """None for what is no such file: it is another's, or was cut off on its way."""
    try:
        vectors = load(data).get(KEY)
    except (SafetensorError, ValueError):
        return None
    if vectors is None or vectors.ndim != 2 or vectors.shape[0] != rows or vectors.dtype != np.float32:
        return None
    return np.ascontiguousarray(vectors) if np.isfinite(vectors).all() else None
