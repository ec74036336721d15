"""The mean reward of a set of trajectories, with an interval that knows they come from fewer problems.

For rewards that are at hand in memory, as those of a gate or a study; a run's summary adds up sums per shard instead.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from reasonflux.records import TrajectoryReward

RESAMPLES = 2_000
_CELLS = 2_000_000  # of resamples × problems held at once: 16 MB


class Interval(NamedTuple):
    """A mean in [0, 1] and the bounds of its interval; None where there is nothing to say."""

    mean: float | None
    low: float | None
    high: float | None


def mean_reward_interval(rewards: Sequence[TrajectoryReward], *, seed: int, confidence: float = 0.95) -> Interval:
    """The mean over draws (each distinct plan weighs its multiplicity) and a percentile bootstrap over problems.

    All plans of a problem are resampled together, since they share its difficulty. Rewards of None are left out, and so
    are those that sequential evaluation left early. No bounds with fewer than two problems.
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
    m = len(sums)
    if m < 2:
        return Interval(mean, None, None)
    rng = np.random.default_rng(seed)
    means: list[float] = []
    while len(means) < RESAMPLES:
        drawn = rng.integers(m, size=(min(RESAMPLES - len(means), max(1, _CELLS // m)), m))
        means += (totals[drawn].sum(axis=1) / weights[drawn].sum(axis=1)).tolist()
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(mean, float(low), float(high))
