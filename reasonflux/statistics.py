"""Means, differences and their uncertainty, over problems: what gates, comparisons and figures share.

A problem is the unit of every test and interval here. Samples of one problem are averaged before.
"""

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
BATCH = 1_000  # resamples held at once


def sign_flip(differences: Sequence[float], *, seed: int, resamples: int = 9_999) -> float:
    """One-sided p-value that the mean of paired differences, one a problem, is not above zero.

    Under the null hypothesis a problem's difference is as likely to have the other sign: all sign patterns of few
    problems, `resamples` random ones of many (then the smallest p is 1 / (resamples + 1)). 1 where all are zero.
    """
    from scipy import stats  # a second to import, which workers that only score do not need

    values = np.asarray(differences, dtype=float)
    if not values.size:
        raise ValueError("a sign-flip test needs at least one problem")
    if not values.any():
        return 1.0
    tested = stats.permutation_test(
        (values,),
        lambda flipped, axis: flipped.mean(axis=axis),
        permutation_type="samples",
        alternative="greater",
        vectorized=True,
        n_resamples=resamples,
        batch=BATCH,
        rng=np.random.default_rng(seed),
    )
    return float(tested.pvalue)


def mean_interval(
    values: Sequence[float],
    *,
    seed: int,
    strata: Sequence[Hashable] | None = None,
    confidence: float = CONFIDENCE,
    resamples: int = 9_999,
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean of one value a problem; with `strata`, resampled inside each."""
    numbers = np.asarray(values, dtype=float)
    if not numbers.size:
        raise ValueError("an interval needs at least one problem")
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for place, stratum in enumerate(strata if strata is not None else [None] * len(numbers)):
        groups[stratum].append(place)
    rng = np.random.default_rng(seed)
    totals = np.zeros(resamples)
    for places in groups.values():
        members = numbers[places]
        for start in range(0, resamples, BATCH):
            count = min(BATCH, resamples - start)
            totals[start : start + count] += rng.choice(members, (count, members.size)).sum(axis=1)
    tail = (1 - confidence) / 2
    low, high = np.quantile(totals / numbers.size, (tail, 1 - tail))
    return float(low), float(high)


def detectable(differences: Sequence[float], *, alpha: float, power: float) -> float:
    """The mean difference that a one-sided test at level `alpha` finds with probability `power`, for this spread.

    By the normal approximation, from the sample's standard deviation; infinite for fewer than two problems.
    """
    from scipy import stats

    values = np.asarray(differences, dtype=float)
    if values.size < 2:
        return float("inf")
    quantiles = stats.norm.ppf(1 - alpha) + stats.norm.ppf(power)
    return float(quantiles * values.std(ddof=1) / np.sqrt(values.size))


def pass_at(k: int, *, draws: int, solved: int) -> float:
    """Chance that at least one of `k` samples solves a problem, of which `solved` of `draws` did (arXiv 2107.03374, 1).

    Unbiased, without replacement. Raises `ValueError` for more samples than there are.
    """
    if not 0 <= solved <= draws or not 0 < k <= draws:
        raise ValueError(f"pass@{k} cannot be told from {solved} of {draws} samples")
    return 1.0 - math.comb(draws - solved, k) / math.comb(draws, k)


def rank_correlation(
    xs: Sequence[float], ys: Sequence[float], *, seed: int, resamples: int = 2_000
) -> tuple[float, float, float] | None:
    """Spearman's ρ of pairs, one a problem, and its 95% bootstrap interval; None where either side is constant.

    Equal values share their mean rank. Resamples in which a side is constant are left out.
    """
    pairs = np.array([xs, ys], dtype=float)
    if pairs.shape[1] < 3 or (np.ptp(pairs, axis=1) == 0).any():
        return None
    rng = np.random.default_rng(seed)
    drawn = pairs[:, rng.integers(0, pairs.shape[1], (resamples, pairs.shape[1]))]
    own = _spearman(pairs[:, None, :])
    tail = (1 - CONFIDENCE) / 2
    low, high = np.nanquantile(_spearman(drawn), (tail, 1 - tail))
    return float(own[0]), float(low), float(high)


def reliability(samples: Sequence[Sequence[float]], *, seed: int) -> tuple[float, float, float] | None:
    """How well means of so many samples order the problems as means of as many others would, and its 95% interval.

    Spearman's ρ of the means of two halves of the samples, every other one in each, stepped up to all of them by the
    formula of Spearman and Brown (1910): 2ρ / (1 + ρ), and 0 where they do not agree at all. What is correlated with
    such means is seen weaker by its square root. None where a problem has a single sample, or a half is constant.
    """
    if min(map(len, samples), default=0) < 2:
        return None
    first, second = ([fmean(own[start::2]) for own in samples] for start in (0, 1))
    found = rank_correlation(first, second, seed=seed)
    if found is None:
        return None
    rho, low, high = (2 * one / (1 + one) if one > 0 else 0.0 for one in found)
    return rho, low, high


def _spearman(pairs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of arrays of shape (2, samples, n): one ρ a sample; nan where a side is constant."""
    from scipy import stats

    ranks = stats.rankdata(pairs, axis=-1)
    ranks -= ranks.mean(axis=-1, keepdims=True)
    first, second = ranks
    with np.errstate(invalid="ignore"):
        rho: NDArray[np.float64] = (first * second).sum(-1) / np.sqrt((first**2).sum(-1) * (second**2).sum(-1))
    return rho
