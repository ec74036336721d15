"""Vectors of queries without a forward pass: the sum of a query's words, turned towards the vectors of whole texts.

The model reads every word of the library once. The sum of a text's words, each by its rarity, is not what the model
makes of the text, but a linear map brings it near: the one that turns the sums of the library's own documents into the
model's vectors of them (ridge regression towards the identity). What a query costs is a sum of some dozen rows: some
hundredths of a millisecond, where a small model takes 10 to 20 on a CPU core. Words unknown to the library count
nothing.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reasonflux.library.lexical import WORD
from reasonflux.library.load import TemplateLibrary
from reasonflux.library.vectors import vectors_of
from reasonflux.protocols import Embed
from reasonflux.storage.store import Store

FITTED = 4_000  # documents that the map is fitted to, at most
RIDGE = 1.0  # weight of the identity; a document's sum has length 1


class WordQueries:
    """Any query as a vector, in the space of a model's vectors of the documents."""

    def __init__(
        self,
        documents: Sequence[str],
        vectors: NDArray[np.float32],
        library: TemplateLibrary,
        embed: Embed,
        kept: Store | None = None,
    ) -> None:
        """`vectors`: the model's, of shape (documents, dimensions); words are read from `kept`, or put there."""
        counts: dict[str, int] = {}
        for word in (word for document in documents for word in words(document)):
            counts[word] = counts.get(word, 0) + 1
        known = sorted(counts)
        self._row_of = {word: row for row, word in enumerate(known)}
        self._rows = np.zeros((len(known), vectors.shape[1]), dtype=np.float32)
        if known:
            holders = np.array([counts[word] for word in known])
            rarity = np.log1p((len(documents) - holders + 0.5) / (holders + 0.5)).astype(np.float32)
            self._rows = rarity[:, None] * vectors_of(known, library, AsQueries(embed), kept)
        step = max(1, -(-len(documents) // FITTED))
        sums = np.stack([self(document) for document in documents[::step]])
        self._rows = self._rows @ _towards(sums, vectors[::step])

    def __call__(self, query: str) -> NDArray[np.float32]:
        """A unit vector of shape (dimensions,); zeros for a query without a word of the library."""
        rows = [row for word in words(query) if (row := self._row_of.get(word)) is not None]
        total: NDArray[np.float32] = self._rows[rows].sum(axis=0)
        length = float(np.linalg.norm(total))
        return total / np.float32(length) if length else total


class AsQueries:
    """An `Embed` that embeds whatever it gets as queries, under a name of its own."""

    def __init__(self, embed: Embed) -> None:
        """Nothing is embedded yet."""
        self._embed = embed
        self.digest = f"{embed.digest} queries"

    def __call__(self, texts: Sequence[str], *, query: bool = True) -> NDArray[np.float32]:
        """Whatever `query` says."""
        return self._embed(texts, query=True)


def words(text: str) -> list[str]:
    """Every word once, in lower case, in the order of first use."""
    return list(dict.fromkeys(WORD.findall(text.lower())))


def _towards(sums: NDArray[np.float32], vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The map M of least |sums M − vectors|² + RIDGE |M − 1|², of shape (dimensions, dimensions)."""
    identity = np.eye(sums.shape[1], dtype=np.float32)
    squares, products = sums.T @ sums, sums.T @ vectors
    return np.linalg.solve(squares + RIDGE * identity, products + RIDGE * identity).astype(np.float32)
