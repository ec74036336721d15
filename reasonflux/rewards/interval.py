"""The mean reward of a set of trajectories, with an interval that knows they come from fewer problems."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from reasonflux.records import TrajectoryReward

RESAMPLES = 2_000
_BATCH_CELLS = 4_000_000  # of resamples × problems held at once: 32 MB


class Interval(NamedTuple):
    """A mean in [0, 1] with the bounds of its interval; None where there is nothing to say."""

    mean: float | None
    low: float | None
    high: float | None


def mean_reward_interval(rewards: Sequence[TrajectoryReward], *, seed: int, confidence: float = 0.95) -> Interval:
    """The mean over draws (each distinct plan weighs its multiplicity) and a percentile bootstrap over problems.

    All plans of a problem are drawn together, since they share its difficulty. Rewards of None are left out, and so are
    those of trajectories left early, which are estimates of something else. No bounds with fewer than two problems.
    """
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for reward in sorted(rewards, key=lambda reward: (reward.problem_id, reward.id)):
        if reward.reward is not None and reward.exhaustive:
            sums[reward.problem_id][0] += reward.multiplicity * reward.reward
            sums[reward.problem_id][1] += reward.multiplicity
    if not sums:
        return Interval(None, None, None)
    totals, weights = np.array(list(sums.values())).T
    mean = float(totals.sum() / weights.sum())
    if len(sums) < 2:
        return Interval(mean, None, None)

    from scipy.stats import bootstrap  # 0.5 s to import

    result = bootstrap(
        (totals, weights),
        lambda total, weight, axis: total.sum(axis=axis) / weight.sum(axis=axis),
        paired=True,
        method="percentile",
        n_resamples=RESAMPLES,
        batch=max(1, _BATCH_CELLS // len(sums)),
        confidence_level=confidence,
        rng=np.random.default_rng(seed),
    )
    return Interval(mean, float(result.confidence_interval.low), float(result.confidence_interval.high))
