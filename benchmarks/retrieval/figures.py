"""Figures and their intervals: recall, reciprocal rank, and how far a chance can be believed."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from benchmarks.retrieval.queries import Query
from reasonflux.library.confidence import NONE_WEIGHT, Scored, fit_confidence
from reasonflux.library.retrieval import CANDIDATES, FusedRetrieval, best
from reasonflux.statistics import mean_interval

Rank = Callable[[str], list[int]]  # a query in; rows of templates out, best first
Hits = NDArray[np.float64]  # of shape (queries,): rank of the first hit, counted from 1; inf where there is none
BINS = 5  # of chances, for the calibration error


def first_hits(rank: Rank, queries: Sequence[Query]) -> Hits:
    """Where the first hit stands, query by query."""
    found = []
    for query in queries:
        places = [place for place, row in enumerate(rank(query.text), start=1) if row in query.rows]
        found.append(places[0] if places else np.inf)
    return np.array(found)


def figures(hits: Hits) -> dict[str, list[float]]:
    """Recall at 1, 2 and 5 and the mean reciprocal rank, each with its 95% bootstrap interval over queries."""
    values = {f"recall@{k}": (hits <= k).astype(float) for k in (1, 2, 5)} | {"MRR": 1 / hits}
    return {name: [float(each.mean()), *mean_interval(list(each), seed=0)] for name, each in values.items()}


def ratio(ours: Hits, theirs: Hits, k: int = 2, resamples: int = 9_999) -> list[float]:
    """recall@k of one over the other's, with its interval over paired queries."""
    random = np.random.default_rng(0)
    rows = random.integers(0, len(ours), (resamples, len(ours)))
    drawn = (ours <= k)[rows].mean(axis=1) / (theirs <= k)[rows].mean(axis=1)
    return [float((ours <= k).mean() / (theirs <= k).mean()), *map(float, np.quantile(drawn, (0.025, 0.975)))]


def calibration(
    retrieval: FusedRetrieval, queries: Sequence[Query], foreign: Sequence[Query], folds: int = 5
) -> dict[str, float]:
    """How far chances can be believed, fitted on other folds than they are looked at on.

    Each query counts as it is, and with `NONE_WEIGHT` without its own template, when none fits. `foreign`: queries of
    subjects that the library has no chapter for.
    """
    scored = [_scored(retrieval, query) for query in queries]
    fold = np.random.default_rng(0).permutation(len(scored)) % folds
    first: list[tuple[float, bool, float]] = []  # chance of the first candidate, whether it is a hit, weight
    none: dict[str, list[float]] = {"its template there": [], "its template taken away": [], "foreign": []}
    for number in range(folds):
        curve = fit_confidence([each for each, part in zip(scored, fold, strict=True) if part != number])
        for each in (each for each, part in zip(scored, fold, strict=True) if part == number):
            chances, without = curve.chances(each.scores), curve.chances(each.scores[~each.fits])
            first.append((chances.max(), bool(each.fits[int(chances.argmax())]), 1.0))
            first.append((without.max(), False, NONE_WEIGHT))
            none["its template there"].append(1 - chances.sum())
            none["its template taken away"].append(1 - without.sum())
    whole = fit_confidence(scored)
    none["foreign"] = [1 - whole.chances(np.sort(retrieval.scores(one.text))[-CANDIDATES:]).sum() for one in foreign]
    there = none.pop("its template there")
    return {
        "chance of the first, mean": float(np.average([one[0] for one in first], weights=[one[2] for one in first])),
        "hits of the first": float(np.average([one[1] for one in first], weights=[one[2] for one in first])),
        f"calibration error, {BINS} bins": _error(first),
        "chance that none fits, its template there": float(np.mean(there)),
        **{f"chance that none fits, {name}": float(np.mean(values)) for name, values in none.items()},
        **{f"AUC of none fits, {name}": auc(values, there) for name, values in none.items()},
    }


def _scored(retrieval: FusedRetrieval, query: Query) -> Scored:
    scores = retrieval.scores(query.text)
    rows = np.union1d(best(scores, CANDIDATES), sorted(query.rows))
    return Scored(scores=scores[rows].astype(float), fits=np.isin(rows, sorted(query.rows)))


def _error(first: Sequence[tuple[float, bool, float]]) -> float:
    """Mean distance of chance and hits over bins of the chance, by weight."""
    chances, hits, weights = (np.array(column, dtype=float) for column in zip(*first, strict=True))
    bins = np.minimum((chances * BINS).astype(int), BINS - 1)
    off = [abs(((chances - hits) * weights)[bins == number].sum()) for number in range(BINS)]
    return float(sum(off) / weights.sum())


def auc(high: Sequence[float], low: Sequence[float]) -> float:
    """Chance that one of `high` is above one of `low`."""
    ranks = rankdata([*high, *low])[: len(high)]
    return float((ranks.sum() - len(high) * (len(high) + 1) / 2) / (len(high) * len(low)))
