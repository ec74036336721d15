"""BM25 over pieces of words: scores of every document for a query, as a share of what a document could reach."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reasonflux.problems.similar import WORD

if TYPE_CHECKING:
    from bm25s import BM25


PIECE = 4  # characters; words that differ in their endings alone share most pieces, in any language
QUERY_PIECES = 64  # a query is looked up by its rarest ones, which bounds its cost


def pieces(text: str) -> Iterator[str]:
    """Every run of `PIECE` characters of every word; a shorter word is one piece."""
    for word in WORD.findall(text.lower()):
        for start in range(max(1, len(word) - PIECE + 1)):
            yield word[start : start + PIECE]


class LexicalIndex:
    """BM25 of a fixed list of documents."""

    def __init__(self, documents: Sequence[str]) -> None:
        """One pass over the documents."""
        self._numbers = {"": 0}  # stands in every document and no query: BM25 cannot divide by a mean length of 0
        numbered = [
            [self._numbers.setdefault(piece, len(self._numbers)) for piece in ("", *pieces(document))]
            for document in documents
        ]
        self._bm25 = _bm25(numbered, self._numbers)
        frequency = np.zeros(len(self._numbers), dtype=np.int64)
        for document in numbered:
            frequency[np.unique(document)] += 1
        self._idf = np.log1p((len(numbered) - frequency + 0.5) / (frequency + 0.5)).astype(np.float32)

    def scores(self, query: str) -> NDArray[np.float32]:
        """Of shape (documents,), from 0 (no piece in common) to 1 (every known piece, very often)."""
        known = {self._numbers[piece] for piece in pieces(query) if piece in self._numbers}
        rarest = sorted(known, key=lambda number: (-self._idf[number], number))[:QUERY_PIECES]
        if not rarest:
            return np.zeros(self._bm25.scores["num_docs"], dtype=np.float32)
        scores: NDArray[np.float32] = self._bm25.get_scores_from_ids(rarest)
        return scores / float(self._idf[rarest].sum())


def _bm25(documents: list[list[int]], vocabulary: dict[str, int]) -> "BM25":
    import bm25s  # here, because it brings numba

    index = bm25s.BM25()
    index.index((documents, dict(vocabulary)), show_progress=False)
    return index
