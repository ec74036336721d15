import random

import numpy as np
import pytest

from reasonflux.records import TrajectoryReward
from reasonflux.rewards.interval import Interval, mean_reward_interval


def row(
    problem: str, reward: float | None, multiplicity: int = 1, id_: str = "t", exhaustive: bool = True
) -> TrajectoryReward:
    return TrajectoryReward(
        id=f"{problem}-{id_}",
        problem_id=problem,
        multiplicity=multiplicity,
        reward=reward,
        n=4,
        standard_error=None,
        failed=0,
        exhaustive=exhaustive,
    )


def width(interval: Interval) -> float:
    assert interval.low is not None
    assert interval.high is not None
    return interval.high - interval.low


def test_a_plan_drawn_three_times_weighs_three() -> None:
    assert mean_reward_interval([row("a", 1.0, 3, "x"), row("a", 0.0, 1, "y")], seed=0) == Interval(0.75, None, None)


def test_what_has_no_full_reward_is_left_out() -> None:
    rows = [row("a", 1.0), row("b", None), row("c", 0.0, exhaustive=False)]
    assert mean_reward_interval(rows, seed=0).mean == 1.0
    assert mean_reward_interval(rows[1:], seed=0) == Interval(None, None, None)


def test_order_does_not_matter_and_the_seed_decides() -> None:
    rows = [row(str(i), i % 7 / 6) for i in range(40)]
    shuffled = random.Random(1).sample(rows, len(rows))
    assert mean_reward_interval(rows, seed=3) == mean_reward_interval(shuffled, seed=3)
    assert mean_reward_interval(rows, seed=3) != mean_reward_interval(rows, seed=4)


def test_plans_of_one_problem_are_not_independent() -> None:
    apart = [row(str(i), float(i % 2)) for i in range(80)]
    together = [row(str(i % 10), float(i % 2), id_=str(i)) for i in range(80)]
    narrow, wide = mean_reward_interval(apart, seed=0), mean_reward_interval(together, seed=0)
    assert width(wide) > 2 * width(narrow)


def test_the_interval_holds_the_true_mean_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    inside = 0
    for trial in range(120):
        values = rng.beta(0.5, 0.5, size=60)  # true mean 0.5
        interval = mean_reward_interval([row(str(i), float(value)) for i, value in enumerate(values)], seed=trial)
        assert width(interval) > 0
        inside += interval[1] <= 0.5 <= interval[2]  # type: ignore[operator]
    assert inside / 120 == pytest.approx(0.95, abs=0.06)
