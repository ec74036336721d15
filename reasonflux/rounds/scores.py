"""What a navigator and a reasoner make of a problem set: one score a problem, out of its trajectories and rewards."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from reasonflux.errors import BadInput
from reasonflux.records import Problem, Status, Trajectory, TrajectoryReward
from reasonflux.rounds.gate import Scores

UNREADABLE = ("unreadable_plan", "truncated")  # failures that are the navigator's own


@dataclass(frozen=True, kw_only=True)
class ProblemScore:
    """One problem under one navigator and one reasoner. `id` is the problem's."""

    id: str
    family: str | None
    phrasing: int | None
    held_out: bool
    draws: int  # plans asked for
    unreadable: int  # of these, plans that could not be read: they score 0
    failed: int  # of these, plans or rewards that could not be had for no fault of a model: they score 0, too
    score: float  # mean reward of a draw, over all draws
    solved: int  # draws whose plan has reward 1
    steps: int  # of all plans that could be read
    in_library: int  # of these, steps named as a template of the library, before names are resolved


def problem_scores(
    problems: Sequence[Problem], trajectories: Sequence[Trajectory], rewards: Sequence[TrajectoryReward]
) -> list[ProblemScore]:
    """One score for each problem, in their order; nothing leaves the denominator.

    `trajectories`: all draws of these problems. `rewards`: one row for each distinct plan of a problem, which counts
    as often as it was drawn.
    """
    drawn: dict[str, list[Trajectory]] = defaultdict(list)
    for trajectory in trajectories:
        drawn[trajectory.problem_id].append(trajectory)
    rewarded: dict[str, list[TrajectoryReward]] = defaultdict(list)
    for reward in rewards:
        rewarded[reward.problem_id].append(reward)
    return [_score(problem, drawn[problem.id], rewarded[problem.id]) for problem in problems]


def paired(problem_set: str, parent: Sequence[ProblemScore], candidate: Sequence[ProblemScore]) -> Scores:
    """Two models' scores on one problem set, as a gate takes them; raises `BadInput` for different problems."""
    before, after = ({score.id: score for score in scores} for scores in (parent, candidate))
    if before.keys() != after.keys():
        raise BadInput(
            f"gate: parent and candidate were scored on different problems of {problem_set}", "Score them anew"
        )
    return Scores(
        problem_set=problem_set,
        problems=tuple(before),
        parent=tuple(score.score for score in before.values()),
        candidate=tuple(after[id_].score for id_ in before),
        samples=min(score.draws for score in before.values()),
    )


def _score(problem: Problem, drawn: Sequence[Trajectory], rewards: Sequence[TrajectoryReward]) -> ProblemScore:
    readable = [trajectory for trajectory in drawn if trajectory.status == Status.DONE]
    failures = [trajectory.failure for trajectory in drawn if trajectory.failure is not None]
    unreadable = sum(failure.error in UNREADABLE for failure in failures)
    total = math.fsum((reward.reward or 0.0) * reward.multiplicity for reward in rewards)
    return ProblemScore(
        id=problem.id,
        family=problem.family,
        phrasing=problem.phrasing,
        held_out=problem.held_out,
        draws=len(drawn),
        unreadable=unreadable,
        failed=len(failures) - unreadable + sum(reward.multiplicity for reward in rewards if reward.reward is None),
        score=total / len(drawn) if drawn else 0.0,
        solved=sum(reward.multiplicity for reward in rewards if reward.reward == 1.0),
        steps=sum(len(trajectory.steps) for trajectory in readable),
        in_library=sum(trajectory.in_library for trajectory in readable),
    )
