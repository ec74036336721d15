"""The trajectory reward: R(T) = 1/|X_sim| Σ_{x_i ∈ X_sim} Acc(π_inf(x_i, T)) (arXiv 2502.06772, Eq. 3).

Acc is the share of correct rollouts of T at x_i, so that a problem with more samples weighs no more than another.
Rollouts with verdict `error` say nothing and are left out (`failed` counts them); every other verdict is in the
denominator. A problem of which every rollout failed is left out of the mean.

Standard error: that of the mean of m problem means p_i, sqrt(Σ (p_i − R)² / (m − 1) / m). X_sim is taken as a draw
from the problems that the plan should solve, so the spread between problems and that within them both belong to it
(law of total variance; arXiv 2411.00640, sections 2 and 3), and one sample a problem is enough. With X_sim held fixed
it errs towards caution. For one problem alone, sqrt(R (1 − R) / (n − 1)). None where one rollout is all there is.
0 says only that all agreed: n stands beside it.
"""

import math
from collections import defaultdict
from collections.abc import Collection, Sequence
from fractions import Fraction

from reasonflux.errors import ReasonFluxError
from reasonflux.records import GradedRollout, TrajectoryReward, Verdict


def trajectory_rewards(graded: Sequence[GradedRollout], *, left_early: Collection[str] = ()) -> list[TrajectoryReward]:
    """One reward a trajectory, sorted by id, whatever the order of `graded`.

    A rollout that stands twice under one id counts once. `left_early`: ids of the trajectories that sequential
    evaluation did not carry through X_sim; their rewards are flagged. Raises `ReasonFluxError` when an id stands with
    two verdicts, or a trajectory with two problems or multiplicities: the stage that wrote them is not whole.
    """
    by_trajectory: dict[str, dict[str, GradedRollout]] = defaultdict(dict)
    for rollout in graded:
        first = by_trajectory[rollout.trajectory_id].setdefault(rollout.id, rollout)
        if _told(first) != _told(rollout):
            raise ReasonFluxError(f"rollout {rollout.id} stands in the stage with two verdicts or origins", _REMEDY)
    return [_reward(list(rollouts.values()), id_ not in left_early) for id_, rollouts in sorted(by_trajectory.items())]


def _reward(rollouts: Sequence[GradedRollout], exhaustive: bool) -> TrajectoryReward:
    ((id_, problem_id, multiplicity),) = _identity(rollouts)
    outcomes: dict[str, list[bool]] = defaultdict(list)
    for rollout in rollouts:
        if rollout.verdict != Verdict.ERROR:
            outcomes[rollout.problem_id].append(rollout.verdict == Verdict.CORRECT)
    # Fractions, so that no order of the rows can change a digit.
    means = [Fraction(sum(correct), len(correct)) for correct in outcomes.values()]
    n = sum(len(correct) for correct in outcomes.values())
    return TrajectoryReward(
        id=id_,
        problem_id=problem_id,
        multiplicity=multiplicity,
        reward=float(sum(means) / len(means)) if means else None,
        n=n,
        standard_error=_standard_error(means, n),
        failed=len(rollouts) - n,
        exhaustive=exhaustive,
    )


def _told(rollout: GradedRollout) -> tuple[str, str, str, int]:
    return rollout.verdict, rollout.problem_id, rollout.anchor_id, rollout.multiplicity


def _identity(rollouts: Sequence[GradedRollout]) -> set[tuple[str, str, int]]:
    identity = {(rollout.trajectory_id, rollout.anchor_id, rollout.multiplicity) for rollout in rollouts}
    if len(identity) > 1:
        raise ReasonFluxError(f"trajectory {rollouts[0].trajectory_id} has two problems or multiplicities", _REMEDY)
    return identity


def _standard_error(means: Sequence[Fraction], n: int) -> float | None:
    if n < 2:
        return None
    m = len(means)
    mean = sum(means, Fraction()) / m
    if m == 1:
        return math.sqrt(mean * (1 - mean) / (n - 1))
    return math.sqrt(sum((p - mean) ** 2 for p in means) / (m - 1) / m)


_REMEDY = "Read the stage through its manifest, or run it again"
