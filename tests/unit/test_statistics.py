"""Tests and intervals over problems: exact where the answer is known."""

from itertools import combinations
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reasonflux.statistics import detectable, mean_interval, pass_at, rank_correlation, reliability, sign_flip


def test_the_sign_flip_test_counts_sign_patterns_of_few_problems() -> None:
    assert sign_flip([1.0, 1.0, 1.0, 1.0], seed=0) == pytest.approx(1 / 16)
    assert sign_flip([2.0, -1.0], seed=0) == pytest.approx(2 / 4)  # +2+1 and +2−1 are as large
    assert sign_flip([0.0, 0.0], seed=0) == 1.0


def test_the_smallest_p_of_random_patterns_is_never_zero() -> None:
    assert sign_flip([1.0] * 100, seed=0, resamples=999) == pytest.approx(1 / 1000)


def test_the_interval_of_the_mean_agrees_with_the_normal_one_and_strata_narrow_it() -> None:
    rng = np.random.default_rng(0)
    stratum = np.repeat([0, 1], 200)
    values = (stratum + rng.normal(0, 0.1, 400)).tolist()
    low, high = mean_interval(values, seed=1)
    half = 1.96 * np.std(values, ddof=1) / 20
    assert (high - low) / 2 == pytest.approx(half, rel=0.1)
    inside = mean_interval(values, seed=1, strata=stratum.tolist())
    assert inside[1] - inside[0] < 0.3 * (high - low)
    assert mean_interval(values, seed=1) == (low, high)


def test_what_can_be_detected_shrinks_with_the_root_of_the_problems() -> None:
    few, many = [0.0, 1.0] * 50, [0.0, 1.0] * 200
    assert detectable(few, alpha=0.05, power=0.8) == pytest.approx(
        2 * detectable(many, alpha=0.05, power=0.8), rel=0.01
    )
    assert detectable([0.3], alpha=0.05, power=0.8) == float("inf")


def test_nothing_to_test_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        sign_flip([], seed=0)
    with pytest.raises(ValueError, match="at least one"):
        mean_interval([], seed=0)


@given(st.integers(1, 9).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_pass_at_k_is_the_share_of_subsets_that_hold_a_correct_sample(case: tuple[int, int, int]) -> None:
    n, right, k = case
    samples = [place < right for place in range(n)]
    brute = fmean(any(subset) for subset in combinations(samples, k))
    assert pass_at(k, draws=n, solved=right) == pytest.approx(brute)


def test_pass_at_more_than_was_drawn_is_refused() -> None:
    with pytest.raises(ValueError, match="pass@5"):
        pass_at(5, draws=4, solved=1)


def test_a_rank_correlation_sees_any_growth_and_nothing_in_what_is_constant() -> None:
    xs = [float(x) for x in range(30)]
    assert rank_correlation(xs, [x**3 for x in xs], seed=0) == pytest.approx((1, 1, 1))
    assert rank_correlation(xs, [-x for x in xs], seed=0) == pytest.approx((-1, -1, -1))
    assert rank_correlation(xs, [2.0] * 30, seed=0) is None
    rho, low, high = rank_correlation(xs, np.random.default_rng(0).permutation(xs).tolist(), seed=0) or (1, 1, 1)
    assert low < rho < high and low < 0 < high


def test_reliability_foretells_how_far_as_many_samples_again_would_agree() -> None:
    rng = np.random.default_rng(0)
    chances = rng.uniform(0, 1, 400)
    once, again = ((rng.random((400, 16)) < chances[:, None]).astype(float) for _ in range(2))
    found, low, high = reliability(once.tolist(), seed=0) or (0, 0, 0)
    agreed, *_ = rank_correlation(once.mean(axis=1).tolist(), again.mean(axis=1).tolist(), seed=0) or (0,)
    assert low < found < high
    assert found == pytest.approx(agreed, abs=0.03)


def test_samples_that_follow_from_no_problem_are_not_reliable_and_single_ones_tell_nothing() -> None:
    noise = (np.random.default_rng(1).random((200, 8)) < 0.5).astype(float).tolist()
    found, low, _ = reliability(noise, seed=0) or (1, 1, 1)
    assert found < 0.3 and low == 0
    assert reliability([[1.0]] * 9, seed=0) is None
    assert reliability([[1.0, 1.0]] * 9, seed=0) is None
