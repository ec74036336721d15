"""Scores count every draw of every problem, and pair up two models problem by problem."""

import pytest

from reasonflux.errors import BadInput
from reasonflux.records import Failure, Problem, Status, Step, Trajectory, TrajectoryReward, Usage
from reasonflux.rounds.scores import ProblemScore, paired, problem_scores

PROBLEM = Problem(id="x", text="text", gold="1", problem_set="set", family="sums")


def trajectory(index: int, plan: str, error: str = "", in_library: int = 1) -> Trajectory:
    failure = Failure(stage="trajectories", error=error, message="") if error else None
    return Trajectory(
        id=f"t{index}",
        problem_id="x",
        round=0,
        index=index,
        prompt=(),
        text=plan,
        steps=() if error else (Step(name=plan, written=plan),),
        plan=plan,
        in_library=in_library,
        status=Status.FAILED if error else Status.DONE,
        failure=failure,
        usage=Usage(),
    )


def reward(id_: str, value: float | None, multiplicity: int = 1) -> TrajectoryReward:
    return TrajectoryReward(
        id=id_,
        problem_id="x",
        multiplicity=multiplicity,
        reward=value,
        n=1,
        standard_error=None,
        failed=0,
        exhaustive=True,
    )


def score(id_: str, value: float, draws: int = 4) -> ProblemScore:
    return ProblemScore(
        id=id_,
        family=None,
        phrasing=None,
        held_out=False,
        draws=draws,
        unreadable=0,
        failed=0,
        score=value,
        solved=0,
        steps=0,
        in_library=0,
    )


def test_a_plan_drawn_twice_counts_twice_and_an_unreadable_one_counts_as_nothing_solved() -> None:
    drawn = [trajectory(0, "a"), trajectory(1, "a"), trajectory(2, "b"), trajectory(3, "", error="unreadable_plan")]
    (found,) = problem_scores([PROBLEM], drawn, [reward("t0", 1.0, multiplicity=2), reward("t2", 0.5)])
    assert (found.score, found.solved, found.draws, found.unreadable, found.failed) == (2.5 / 4, 2, 4, 1, 0)


def test_what_an_engine_failed_at_is_told_apart_and_stays_in_the_denominator() -> None:
    drawn = [trajectory(0, "a"), trajectory(1, "", error="engine_error"), trajectory(2, "b")]
    (found,) = problem_scores([PROBLEM], drawn, [reward("t0", 1.0), reward("t2", None)])
    assert (found.score, found.unreadable, found.failed) == (1 / 3, 0, 2)


def test_a_problem_without_any_row_scores_nothing_and_is_not_left_out() -> None:
    (found,) = problem_scores([PROBLEM], [], [])
    assert (found.score, found.draws) == (0.0, 0)


def test_pairing_goes_by_id_whatever_the_order() -> None:
    scores = paired("gate", [score("a", 0.0), score("b", 1.0)], [score("b", 0.5), score("a", 0.25)])
    assert (scores.problems, scores.parent, scores.candidate) == (("a", "b"), (0.0, 1.0), (0.25, 0.5))
    assert scores.samples == 4


def test_pairing_refuses_different_problems() -> None:
    with pytest.raises(BadInput, match="different problems of gate"):
        paired("gate", [score("a", 0.0)], [score("b", 1.0)])
