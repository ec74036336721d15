"""What one shard of a run amounts to, small enough to keep for every shard, and made to be added up.

Rows stay where they are: a run of a hundred million rollouts is summed from one record a shard.
"""

import dataclasses
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reasonflux.arrow import from_row
from reasonflux.pairs.provenance import Role
from reasonflux.pairs.report import PairReport
from reasonflux.records import Failure, GradedRollout, Rollout, Status, Trajectory, TrajectoryReward, Usage

Z_95 = 1.959964  # two-sided 95% of the normal distribution


@dataclass(frozen=True, kw_only=True)
class Mean:
    """Sum and sum of squares of n values in 0..1: their mean and its interval, without the values."""

    n: int = 0
    total: float = 0.0
    squares: float = 0.0

    @classmethod
    def of(cls, values: Iterable[float]) -> "Mean":
        """The sums over `values`."""
        listed = list(values)
        return cls(n=len(listed), total=math.fsum(listed), squares=math.fsum(value * value for value in listed))

    def __add__(self, other: "Mean") -> "Mean":
        return Mean(n=self.n + other.n, total=self.total + other.total, squares=self.squares + other.squares)

    @property
    def value(self) -> float | None:
        """The mean; None of nothing."""
        return self.total / self.n if self.n else None

    def interval(self) -> tuple[float, float] | None:
        """95% interval of the mean, cut to 0..1; None for fewer than two values.

        The normal one, from the sample's variance: with 30 values or more it agrees with a bootstrap over them, and
        unlike that needs none of them in memory. Where all values are 0, or all are 1, the variance says nothing;
        then the exact bound for n draws of a value in 0..1 that gave nothing else, 1 − .025^(1/n) from that end.
        """
        mean = self.value
        if mean is None or self.n < 2:
            return None
        if self.total == 0:
            return 0.0, 1 - 0.025 ** (1 / self.n)
        if self.squares == self.n:
            return 0.025 ** (1 / self.n), 1.0
        variance = max(self.squares - self.n * mean * mean, 0.0) / (self.n - 1)
        half = Z_95 * math.sqrt(variance / self.n)
        return max(mean - half, 0.0), min(mean + half, 1.0)


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """Tokens that one role's completions cost."""

    prompt: int = 0
    cached: int = 0  # of the prompt, served from the prefix cache
    output: int = 0

    @classmethod
    def of(cls, usages: Iterable[Usage]) -> "Tokens":
        """The sums over `usages`."""
        listed = list(usages)
        return cls(
            prompt=sum(usage.prompt_tokens for usage in listed),
            cached=sum(usage.cached_tokens for usage in listed),
            output=sum(usage.output_tokens for usage in listed),
        )

    def __add__(self, other: "Tokens") -> "Tokens":
        return Tokens(
            prompt=self.prompt + other.prompt, cached=self.cached + other.cached, output=self.output + other.output
        )


@dataclass(frozen=True, kw_only=True)
class ShardCounts:
    """Counts of one shard, or of several added up; `sum(shards, ShardCounts())`."""

    problems: int = 0
    trajectories: int = 0  # plans asked for, failed ones too
    distinct: int = 0  # different plans, problem by problem
    steps: int = 0  # of all plans that could be read
    steps_in_library: int = 0  # of these, written with a name that stands in the library
    rollouts: int = 0  # attempts asked for, failed ones too
    verdicts: Mapping[str, int] = field(default_factory=dict)
    reward: Mean = Mean()  # over problems: the mean reward of a problem's draws
    left_early: int = 0  # plans whose reward sequential evaluation left early; their problems are not in `reward`
    navigator_pairs: PairReport = field(default_factory=PairReport)
    reasoner_pairs: PairReport = field(default_factory=PairReport)
    failures: Mapping[str, int] = field(default_factory=dict)  # "stage: error" to rows
    navigator_tokens: Tokens = Tokens()
    reasoner_tokens: Tokens = Tokens()

    @classmethod
    def of(
        cls,
        trajectories: Sequence[Trajectory],
        rollouts: Sequence[Rollout],
        graded: Sequence[GradedRollout],
        rewards: Sequence[TrajectoryReward],
        reports: Mapping[Role, PairReport],
    ) -> "ShardCounts":
        """The counts of a shard's rows, whole problems with all that came of them."""
        planned = [trajectory for trajectory in trajectories if trajectory.status == Status.DONE]
        return cls(
            problems=len({trajectory.problem_id for trajectory in trajectories}),
            trajectories=len(trajectories),
            distinct=len({(trajectory.problem_id, trajectory.plan) for trajectory in planned}),
            steps=sum(len(trajectory.steps) for trajectory in planned),
            steps_in_library=sum(trajectory.in_library for trajectory in planned),
            rollouts=len(rollouts),
            verdicts=_sorted(Counter(grading.verdict for grading in graded)),
            reward=Mean.of(_problem_means(rewards)),
            left_early=sum(not reward.exhaustive for reward in rewards),
            navigator_pairs=reports.get(Role.NAVIGATOR, PairReport()),
            reasoner_pairs=reports.get(Role.REASONER, PairReport()),
            failures=_failures(trajectories, rollouts, graded),
            navigator_tokens=Tokens.of(trajectory.usage for trajectory in trajectories),
            reasoner_tokens=Tokens.of(rollout.usage for rollout in rollouts),
        )

    def __add__(self, other: "ShardCounts") -> "ShardCounts":
        return ShardCounts(**{name: _plus(value, getattr(other, name)) for name, value in vars(self).items()})

    def to_json(self) -> dict[str, Any]:
        """Plain values, for a manifest."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "ShardCounts":
        """The inverse of `to_json`."""
        return from_row(cls, dict(values))


def _problem_means(rewards: Sequence[TrajectoryReward]) -> list[float]:
    """Each problem's mean reward of a draw (plans weigh by multiplicity); problems with a reward left early are out."""
    problems: dict[str, list[TrajectoryReward]] = defaultdict(list)
    for reward in rewards:
        problems[reward.problem_id].append(reward)
    means = []
    for rows in problems.values():
        paid = [(row.reward, row.multiplicity) for row in rows if row.reward is not None]
        if paid and all(row.exhaustive for row in rows):
            means.append(math.fsum(reward * times for reward, times in paid) / sum(times for _, times in paid))
    return means


def _failures(
    trajectories: Sequence[Trajectory], rollouts: Sequence[Rollout], graded: Sequence[GradedRollout]
) -> dict[str, int]:
    """Failures by stage and error; a grading that only repeats its rollout's failure is not counted again."""
    failed = {rollout.id for rollout in rollouts if rollout.failure}
    of_rows: list[Failure | None] = [trajectory.failure for trajectory in trajectories]
    of_rows += [rollout.failure for rollout in rollouts]
    of_rows += [grading.failure for grading in graded if grading.id not in failed]
    return _sorted(Counter(f"{failure.stage}: {failure.error}" for failure in of_rows if failure))


def _sorted(counter: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counter.items()))


def _plus(one: Any, other: Any) -> Any:
    if isinstance(one, Mapping):
        return _sorted(Counter(one) + Counter(other))
    return one + other
