"""Means, differences and their uncertainty, over problems: what gates, comparisons and figures share.

A problem is the unit of every test and interval here. Samples of one problem are averaged before.
"""

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence

import numpy as np

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
