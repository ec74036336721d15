"""The learning curve: what the checkpoints that stood after each round make of problems that nothing else touched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reasonflux.rounds.scores import ProblemScore
from reasonflux.statistics import mean_interval, pass_at

PASS_AT = (1, 2, 4, 8, 16)
GROUPS = ("trained", "held-out wordings", "held-out families")


@dataclass(frozen=True, kw_only=True)
class Point:
    """One scoring of one round on one group of problems. Shares are in 0..1."""

    scoring: str
    after_round: int  # 0: the starting models
    group: str  # one of `GROUPS`
    problems: int
    draws: int  # plans a problem
    mean: float  # mean reward of a draw
    low: float  # 95% bootstrap interval over problems, inside families where there are any
    high: float
    in_library: float | None  # share of the plans' steps that are named as in the library; None without steps
    unreadable: int  # plans
    failed: int  # plans or rewards that could not be had
    pass_at: Mapping[int, float]  # k → chance that one of k plans has reward 1; empty for one draw

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> "Point":
        """A point out of JSON, in which keys are texts."""
        return cls(**(dict(values) | {"pass_at": {int(k): value for k, value in values["pass_at"].items()}}))


def points(scoring: str, after_round: int, scores: Sequence[ProblemScore], seed: int = 0) -> list[Point]:
    """One point for each group that has problems."""
    known = {score.family for score in scores if not score.held_out}
    groups: dict[str, list[ProblemScore]] = {group: [] for group in GROUPS}
    for score in scores:
        held_out = GROUPS[1] if score.family in known else GROUPS[2]
        groups[held_out if score.held_out else GROUPS[0]].append(score)
    return [_point(scoring, after_round, group, members, seed) for group, members in groups.items() if members]


def _point(scoring: str, after_round: int, group: str, scores: Sequence[ProblemScore], seed: int) -> Point:
    means = [score.score for score in scores]
    low, high = mean_interval(means, seed=seed, strata=[score.family for score in scores])
    steps, draws = sum(score.steps for score in scores), min(score.draws for score in scores)
    return Point(
        scoring=scoring,
        after_round=after_round,
        group=group,
        problems=len(scores),
        draws=draws,
        mean=sum(means) / len(means),
        low=low,
        high=high,
        in_library=sum(score.in_library for score in scores) / steps if steps else None,
        unreadable=sum(score.unreadable for score in scores),
        failed=sum(score.failed for score in scores),
        pass_at={k: _pass_at(scores, k) for k in PASS_AT if draws > 1 and k <= draws},
    )


def _pass_at(scores: Sequence[ProblemScore], k: int) -> float:
    return sum(pass_at(k, draws=score.draws, solved=score.solved) for score in scores) / len(scores)
