"""Figures and their intervals: recall, reciprocal rank, and how far a chance can be believed."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from benchmarks.retrieval.queries import Query
from reasonflux.library.confidence import Scored, fit_confidence
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
    """Chances of the first candidate against hits, fitted on other folds; and "none fits" where the template is gone.

    `foreign`: queries of subjects that the library has no chapter for.
    """
    scored = []
    for query in queries:
        scores = retrieval.scores(query.text)
        rows = np.union1d(best(scores, CANDIDATES), sorted(query.rows))
        scored.append(Scored(scores=scores[rows].astype(float), fits=np.isin(rows, sorted(query.rows))))
    fold = np.random.default_rng(0).permutation(len(scored)) % folds
    chance, hit, none_with, none_without = [], [], [], []
    for number in range(folds):
        curve = fit_confidence([each for each, part in zip(scored, fold, strict=True) if part != number])
        for each in (each for each, part in zip(scored, fold, strict=True) if part == number):
            chances = curve.chances(each.scores)
            chance.append(chances.max())
            hit.append(bool(each.fits[int(chances.argmax())]))
            none_with.append(1 - chances.sum())
            none_without.append(1 - curve.chances(each.scores[~each.fits]).sum())
    whole = fit_confidence(scored)
    none_foreign = [1 - whole.chances(np.sort(retrieval.scores(one.text))[-CANDIDATES:]).sum() for one in foreign]
    firsts, hits = np.array(chance), np.array(hit)
    bins = np.minimum((firsts * BINS).astype(int), BINS - 1)
    error = sum(abs(firsts[bins == b].mean() - hits[bins == b].mean()) * (bins == b).mean() for b in set(bins))
    return {
        "chance of the first, mean": float(np.mean(chance)),
        "hits of the first": float(np.mean(hit)),
        "calibration error, 5 bins": float(error),
        "none fits, mean": float(np.mean(none_with)),
        "none fits, template taken away": float(np.mean(none_without)),
        "AUC of none fits, template taken away": auc(none_without, none_with),
        "none fits, foreign subject": float(np.mean(none_foreign)),
        "AUC of none fits, foreign subject": auc(none_foreign, none_with),
    }


def auc(high: Sequence[float], low: Sequence[float]) -> float:
    """Chance that one of `high` is above one of `low`."""
    ranks = rankdata([*high, *low])[: len(high)]
    return float((ranks.sum() - len(high) * (len(high) + 1) / 2) / (len(high) * len(low)))
