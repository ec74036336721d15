"""BM25 over the beginnings of words: scores of every document for a query, as a share of the most that there can be."""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from bm25s import BM25

WORD = re.compile(r"[^\W\d_]{2,}")  # numbers and single letters say what a problem's values are, not its kind
START = 5  # letters of a word that count: words that differ in their endings are alike, in many languages
QUERY_TERMS = 64  # a query is looked up by its rarest ones, which bounds its cost


def terms(text: str) -> Iterator[str]:
    """The first letters of every word."""
    for word in WORD.findall(text.lower()):
        yield word[:START]


class LexicalIndex:
    """BM25 of a fixed list of documents."""

    def __init__(self, documents: Sequence[str]) -> None:
        """One pass over the documents."""
        self._numbers = {"": 0}  # stands in every document and no query: BM25 cannot divide by a mean length of 0
        numbered = [
            [self._numbers.setdefault(term, len(self._numbers)) for term in ("", *terms(document))]
            for document in documents
        ]
        self._bm25 = _bm25(numbered, self._numbers)
        frequency = np.zeros(len(self._numbers), dtype=np.int64)
        for document in numbered:
            frequency[np.unique(document)] += 1
        self._idf = np.log1p((len(numbered) - frequency + 0.5) / (frequency + 0.5)).astype(np.float32)

    def scores(self, query: str) -> NDArray[np.float32]:
        """Of shape (documents,), from 0 (no term in common) to 1 (every known term, very often)."""
        known = {self._numbers[term] for term in terms(query) if term in self._numbers}
        rarest = sorted(known, key=lambda number: (-self._idf[number], number))[:QUERY_TERMS]
        if not rarest:
            return np.zeros(self._bm25.scores["num_docs"], dtype=np.float32)
        scores: NDArray[np.float32] = self._bm25.get_scores_from_ids(rarest)
        return scores / float(self._idf[rarest].sum())


def _bm25(documents: list[list[int]], vocabulary: dict[str, int]) -> "BM25":
    import bm25s  # here, because it brings numba

    index = bm25s.BM25()
    index.index((documents, dict(vocabulary)), show_progress=False)
    return index
