import math
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reasonflux.errors import ReasonFluxError
from reasonflux.records import GradedRollout, TrajectoryReward, Verdict
from reasonflux.rewards.trajectory_reward import trajectory_rewards

C, W, E = Verdict.CORRECT, Verdict.WRONG, Verdict.ERROR
VERDICTS = st.sampled_from(list(Verdict))
OUTCOMES = st.lists(st.lists(VERDICTS, min_size=1, max_size=5), min_size=1, max_size=6)


def rollouts(
    outcomes: Sequence[Sequence[Verdict]], trajectory: str = "t", multiplicity: int = 1, anchor: str = "p0"
) -> list[GradedRollout]:
    """Verdicts by similar problem; the first problem is x."""
    return [
        GradedRollout(
            id=f"{trajectory}-{problem}-{index}",
            trajectory_id=trajectory,
            multiplicity=multiplicity,
            anchor_id=anchor,
            problem_id=f"p{problem}",
            index=index,
            verdict=verdict,
            answer="",
            gold="1",
            seconds=0.0,
            failure=None,
        )
        for problem, verdicts in enumerate(outcomes)
        for index, verdict in enumerate(verdicts)
    ]


def reward(outcomes: Sequence[Sequence[Verdict]]) -> TrajectoryReward:
    (row,) = trajectory_rewards(rollouts(outcomes))
    return row


def test_every_similar_problem_weighs_alike_however_many_samples_it_has() -> None:
    row = reward([[C, C, C, C], [W], [W], [C]])
    assert (row.reward, row.n, row.failed) == (0.5, 7, 0)  # not 5/7


def test_every_verdict_but_error_is_in_the_denominator() -> None:
    row = reward([[C, W, Verdict.UNPARSED, Verdict.TRUNCATED, Verdict.TIMEOUT, E, E]])
    assert (row.reward, row.n, row.failed) == (0.2, 5, 2)


def test_a_problem_whose_rollouts_all_failed_is_left_out() -> None:
    assert reward([[C], [E, E], [W]]).reward == 0.5


def test_a_trajectory_of_which_nothing_was_graded_has_no_reward() -> None:
    row = reward([[E], [E]])
    assert (row.reward, row.n, row.standard_error, row.failed) == (None, 0, None, 2)


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([[C]], None),
        ([[C, E, E]], None),
        ([[C, W]], 0.5),  # √(½·½ / 1)
        ([[C, C, C, W]], 0.25),  # √(¾·¼ / 3)
        ([[C], [W]], 0.5),  # means 1 and 0: √(½ / 1 / 2)
        ([[C, C, C, C], [W], [W], [C]], math.sqrt(1 / 3 / 4)),
        ([[C, C], [C]], 0.0),
    ],
)
def test_standard_error_follows_its_formula(outcomes: list[list[Verdict]], expected: float | None) -> None:
    assert reward(outcomes).standard_error == (None if expected is None else pytest.approx(expected))


def test_identity_multiplicity_and_early_leaving_are_carried_through() -> None:
    rows = rollouts([[C], [W]], "b", multiplicity=3) + rollouts([[W]], "a", anchor="q")
    first, second = trajectory_rewards(rows, left_early={"b"})
    assert (first.id, first.problem_id, first.multiplicity, first.exhaustive) == ("a", "q", 1, True)
    assert (second.id, second.problem_id, second.multiplicity, second.exhaustive) == ("b", "p0", 3, False)


def test_no_rollouts_give_no_rewards() -> None:
    assert trajectory_rewards([]) == []


@pytest.mark.parametrize(
    "other", [rollouts([[W]]), rollouts([[C]], multiplicity=2), rollouts([[C, C]], anchor="p9")[1:]]
)
def test_rows_that_contradict_each_other_are_refused(other: list[GradedRollout]) -> None:
    for rows in (rollouts([[C]]) + other, other + rollouts([[C]])):
        with pytest.raises(ReasonFluxError, match="two"):
            trajectory_rewards(rows)


@given(OUTCOMES, OUTCOMES, st.randoms())
def test_rewards_do_not_depend_on_order_or_on_rows_read_twice(
    one: list[list[Verdict]],
    two: list[list[Verdict]],
    random: Random,
) -> None:
    rows = rollouts(one, "one") + rollouts(two, "two", multiplicity=2)
    expected = trajectory_rewards(rows)
    again = rows + random.sample(rows, random.randint(0, len(rows)))
    random.shuffle(again)
    assert trajectory_rewards(again) == expected


@given(OUTCOMES)
def test_rewards_lie_in_the_unit_interval_and_count_every_rollout(outcomes: list[list[Verdict]]) -> None:
    row = reward(outcomes)
    assert row.n + row.failed == sum(map(len, outcomes))
    assert (row.reward is None) == (row.n == 0)
    assert row.reward is None or 0 <= row.reward <= 1
    assert row.standard_error is None or 0 <= row.standard_error <= 0.5 * math.sqrt(2)


@given(
    st.integers(1, 4).flatmap(
        lambda n: st.lists(st.lists(VERDICTS.filter(lambda v: v != E), min_size=n, max_size=n), min_size=1)
    )
)
def test_with_equal_samples_the_reward_is_the_plain_share_of_correct_rollouts(outcomes: list[list[Verdict]]) -> None:
    flat = [verdict for verdicts in outcomes for verdict in verdicts]
    assert reward(outcomes).reward == pytest.approx(flat.count(C) / len(flat))
