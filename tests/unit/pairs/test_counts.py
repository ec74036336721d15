import dataclasses
import json
from statistics import NormalDist, fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reasonflux.pairs.counts import Mean, ShardCounts, Tokens
from reasonflux.pairs.provenance import Role
from reasonflux.pairs.report import PairReport
from reasonflux.records import Failure, Verdict
from tests.unit.pairs.rows import graded, quick, reward, rollout, trajectory


def a_shard() -> ShardCounts:
    failed = dataclasses.replace(
        rollout("r2", ""), status="failed", failure=Failure(stage="rollouts", error="engine_error", message="")
    )
    return ShardCounts.of(
        [trajectory("a"), trajectory("b", plan="a"), trajectory("c", failed=True), trajectory("d", problem="y")],
        [rollout("r0", "1"), rollout("r1", "2"), failed],
        [
            graded("r0", Verdict.CORRECT),
            graded("r1", Verdict.ERROR, failed=True),
            graded("r2", Verdict.ERROR, failed=True),
        ],
        [
            reward("a", 0.5, multiplicity=3),
            reward("b", 0.1),
            reward("d", 1.0, problem="y"),
            reward("e", None, problem="z"),
            reward("f", 0.9, problem="w", exhaustive=False),
        ],
        {Role.NAVIGATOR: PairReport(groups=2, paired=1, pairs=1, no_pair={"all_rewards_zero": 1})},
    )


def test_a_shard_is_counted_row_by_row() -> None:
    counts = a_shard()
    assert (counts.problems, counts.trajectories, counts.distinct, counts.rollouts) == (2, 4, 2, 3)
    assert (counts.steps, counts.steps_in_library) == (3, 3)
    assert counts.verdicts == {"correct": 1, "error": 2}
    assert counts.navigator_tokens == Tokens(prompt=28, output=12)
    assert counts.reasoner_tokens == Tokens(prompt=60, output=30, cached=15)


def test_a_failed_rollout_is_one_failure_though_its_grading_failed_too() -> None:
    assert a_shard().failures == {
        "rollouts: engine_error": 1,
        "trajectories: engine_error": 1,
        "verdicts: MemoryError": 1,
    }


def test_a_problem_s_reward_is_that_of_its_draws_and_what_was_left_early_is_in_no_mean() -> None:
    counts = a_shard()
    assert counts.reward.n == 2
    assert counts.reward.value == pytest.approx((0.4 + 1.0) / 2)  # (3 · .5 + .1) / 4 and 1
    assert counts.left_early == 1


def test_shards_add_up_and_survive_json() -> None:
    shard = a_shard()
    total = sum([shard, shard], ShardCounts())
    assert total.problems == 4
    assert total.verdicts == {"correct": 2, "error": 4}
    assert total.navigator_pairs.no_pair == {"all_rewards_zero": 2}
    assert total.reasoner_tokens.output == 60
    assert ShardCounts() + shard == shard
    assert ShardCounts.from_json(json.loads(json.dumps(total.to_json()))) == total


@quick
@given(st.lists(st.floats(0, 1), min_size=2, max_size=40), st.integers(1, 39))
def test_the_interval_is_the_normal_one_however_the_shards_are_cut(values: list[float], cut: int) -> None:
    whole, halves = Mean.of(values), Mean.of(values[:cut]) + Mean.of(values[cut:])
    assert halves.value == pytest.approx(whole.value, abs=1e-12)
    interval, mean = whole.interval(), whole.value
    assert interval is not None
    assert mean is not None
    low, high = interval
    assert 0 <= low <= mean + 1e-12
    assert mean - 1e-12 <= high <= 1
    if 0 < sum(value**2 for value in values) < len(values):
        half = NormalDist().inv_cdf(0.975) * stdev(values) / len(values) ** 0.5
        assert low == pytest.approx(max(fmean(values) - half, 0), abs=1e-6)
        assert high == pytest.approx(min(fmean(values) + half, 1), abs=1e-6)


def test_nothing_correct_does_not_make_an_interval_of_width_zero() -> None:
    assert Mean.of([0.0] * 500).interval() == pytest.approx((0.0, 0.0074), abs=5e-5)
    assert Mean.of([1.0] * 10).interval() == pytest.approx((0.6915, 1.0), abs=5e-5)


def test_there_is_no_interval_of_one_value_and_no_mean_of_none() -> None:
    assert Mean.of([0.5]).interval() is None
    assert Mean().value is None
