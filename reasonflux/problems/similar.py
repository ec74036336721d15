"""X_sim(x), arXiv 2502.06772, Eq. 3: the problems that x's plan should solve, x itself first.

Whatever the provider: none outside x's split, none held out from training unless x is, no id or text twice, and the
choice is a function of the pool, x and the seed. Where the pool holds fewer than were asked for, X_sim is as large as
the pool allows.

A `SimilarIndex` is built once and shipped to tasks: the pool is an Arrow table and what providers keep are NumPy
arrays, both of which pickle without a copy (protocol 5).
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa

from reasonflux.arrow import from_row, schema_of, to_table
from reasonflux.config import SimilarConfig
from reasonflux.errors import BadInput
from reasonflux.identity import digest, seed_of
from reasonflux.records import Problem, SimilarProblems

if TYPE_CHECKING:
    from bm25s import BM25

BUILD_ROWS = 1_024  # problems held as records while the pool is read
QUERY_TERMS = 16  # a text is looked up by its rarest words, which bounds the cost of a query
TAG_WEIGHT = 2  # a shared tag counts like two shared words of its rarity
WORD = re.compile(r"[^\W\d_]{2,}")  # numbers and single letters say what a problem's values are, not its kind


class Provider(Protocol):
    """Rows of the pool that are similar to a problem, best first; the index sees to split, repeats and count."""

    def rows(self, problem: Problem) -> Iterator[int]: ...


class SelfOnly:
    """X_sim(x) = {x}: a plan is judged on its own problem alone."""

    def __init__(self, pool: pa.Table, seed: int) -> None:
        """Nothing of the pool is needed."""

    def rows(self, problem: Problem) -> Iterator[int]:
        """No row."""
        return iter(())


class SameFamily:
    """Others of x's family, where the set names families (an oracle).

    The members stand on a ring, ordered by a digest of seed and id, and x takes those that follow it: a look-up costs
    the logarithm of the family's size, and every member serves equally many others.
    """

    def __init__(self, pool: pa.Table, seed: int) -> None:
        """Raises `BadInput` when a problem of the pool has no family."""
        self._seed = seed
        self._rings: dict[tuple[str, str], tuple[np.ndarray, np.ndarray]] = {}
        members: dict[tuple[str, str], list[tuple[int, int]]] = {}
        columns = [pool[name].to_pylist() for name in ("id", "split", "family")]
        for row, (problem_id, split, family) in enumerate(zip(*columns, strict=True)):
            if family is None:
                raise BadInput(f"problem {problem_id} has no family", "Set similar.provider to nearest")
            members.setdefault((split, family), []).append((self._place(problem_id), row))
        for key, ring in members.items():
            places, rows = zip(*sorted(ring), strict=True)
            self._rings[key] = (np.array(places, dtype=np.uint64), np.array(rows, dtype=np.int64))

    def rows(self, problem: Problem) -> Iterator[int]:
        """The members of x's family after x, once round."""
        places, rows = self._rings.get(
            (problem.split, problem.family or ""), (np.empty(0, np.uint64), np.empty(0, int))
        )
        start = int(np.searchsorted(places, np.uint64(self._place(problem.id)), side="right"))
        return (int(rows[(start + step) % len(rows)]) for step in range(len(rows)))

    def _place(self, problem_id: str) -> int:
        return int(digest("ring", self._seed, problem_id)[:16], 16)


class NearestText:
    """Others whose words and tags are closest by BM25, one index a split; equals are ordered by x and the seed."""

    def __init__(self, pool: pa.Table, seed: int) -> None:
        """One pass over the pool's texts and tags."""
        self._seed = seed
        splits = np.array(pool["split"].to_pylist(), dtype=object)
        self._indexes = {
            split: _TextIndex(pool.select(["text", "tags"]), np.flatnonzero(splits == split)) for split in set(splits)
        }

    def rows(self, problem: Problem) -> Iterator[int]:
        """All rows of x's split, closest first, sorted no further than they are asked for."""
        index = self._indexes.get(problem.split)
        noise = np.random.default_rng(seed_of(digest("nearest", self._seed, problem.id)))
        return index.ranked(terms_of(problem.text, problem.tags), noise) if index else iter(())


SIMILAR: dict[str, Callable[[pa.Table, int], Provider]] = {
    "family": SameFamily,
    "nearest": NearestText,
    "self": SelfOnly,
}


class SimilarIndex:
    """X_sim for any problem, out of a pool of problems."""

    def __init__(self, pool: Iterable[Problem], provider: str = SimilarConfig().provider, seed: int = 0) -> None:
        """Read the pool once. Raises `BadInput` where the provider needs what the pool does not have."""
        batches = []
        remaining = iter(pool)
        while batch := list(islice(remaining, BUILD_ROWS)):
            batches.append(to_table(Problem, batch))
        self.provider = provider
        self._pool = pa.concat_tables([schema_of(Problem).empty_table(), *batches]).combine_chunks()
        self._similar = SIMILAR[provider](self._pool, seed)

    def similar(self, problem: Problem, count: int) -> SimilarProblems:
        """x and up to `count` − 1 others, which need not include x's own row: x may come from outside the pool."""
        found, ids, texts = [problem], {problem.id}, {problem.text}
        for row in self._similar.rows(problem):
            if len(found) >= count:
                break
            other = from_row(Problem, self._pool.slice(row, 1).to_pylist()[0])
            if _may_stand_with(problem, other) and other.id not in ids and other.text not in texts:
                found.append(other)
                ids.add(other.id)
                texts.add(other.text)
        return SimilarProblems(
            id=problem.id, provider=self.provider, purity=purity(problem, found), problems=tuple(found)
        )


def _may_stand_with(problem: Problem, other: Problem) -> bool:
    """Rewards on held-out problems would let the navigator learn from them."""
    return other.split == problem.split and (problem.held_out or not other.held_out)


def purity(problem: Problem, similar: Sequence[Problem]) -> float | None:
    """Share of X_sim, x included, in x's family; None where a family is unknown."""
    if any(other.family is None for other in similar):
        return None
    return sum(other.family == problem.family for other in similar) / len(similar)


def terms_of(text: str, tags: Iterable[str]) -> Mapping[str, int]:
    """The words of a text and its tags with their weights; numbers and single letters are no words."""
    terms = Counter(dict.fromkeys(WORD.findall(text.lower()), 1))
    terms.update({f"tag {tag.lower()}": TAG_WEIGHT for tag in tags})
    return terms


class _TextIndex:
    """BM25 over some rows of the pool. Term numbers follow first appearance, so that scores are equal everywhere."""

    def __init__(self, texts: pa.Table, rows: np.ndarray) -> None:
        self._rows = rows
        self._terms = {"": 0}  # stands in every document and no query: BM25 cannot divide by a mean length of 0
        documents = []
        for document in texts.take(rows).to_pylist():
            terms = ["", *terms_of(document["text"], document["tags"])]
            documents.append([self._terms.setdefault(term, len(self._terms)) for term in terms])
        self._bm25 = _bm25(documents, self._terms)
        self._frequency = np.bincount(np.concatenate(documents), minlength=len(self._terms))

    def ranked(self, terms: Mapping[str, int], noise: np.random.Generator) -> Iterator[int]:
        known = {self._terms[term]: weight for term, weight in terms.items() if term in self._terms}
        rarest = sorted(known, key=lambda term: (self._frequency[term], term))[:QUERY_TERMS]
        scores = self._bm25.get_scores_from_ids([term for term in rarest for _ in range(known[term])])
        return _best_first(scores, self._rows, noise)


def _bm25(documents: list[list[int]], vocabulary: dict[str, int]) -> "BM25":
    import bm25s  # here, because it brings numba

    index = bm25s.BM25()
    index.index((documents, dict(vocabulary)), show_progress=False)
    return index


def _best_first(scores: np.ndarray, rows: np.ndarray, noise: np.random.Generator) -> Iterator[int]:
    """Rows by falling score, equals in random order, sorted in growing slices as they are asked for."""
    ties = noise.random(len(scores))
    taken, slice_size = 0, 16
    while taken < len(scores):
        slice_size = min(4 * slice_size, len(scores))
        least = np.partition(scores, len(scores) - slice_size)[len(scores) - slice_size]
        candidates = np.flatnonzero(scores >= least)
        order = candidates[np.lexsort((ties[candidates], -scores[candidates]))]
        yield from (int(rows[place]) for place in order[taken:])
        taken = len(order)
