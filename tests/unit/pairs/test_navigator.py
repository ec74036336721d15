import math
from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reasonflux.arrow import to_table
from reasonflux.config import PairConfig
from reasonflux.pairs.navigator import navigator_pairs
from reasonflux.records import Message, Pair, Trajectory, TrajectoryReward
from tests.unit.pairs.rows import PROVENANCE, quick, reward, trajectory

CONFIG = PairConfig()

worlds = st.dictionaries(
    st.sampled_from(["p", "q", "r"]), st.lists(st.none() | st.integers(0, 7).map(lambda n: n / 7), max_size=7)
)


World = dict[str, list[float | None]]


def rows_of(world: World) -> tuple[list[Trajectory], list[TrajectoryReward]]:
    named = [(p, f"{p}{index}", value) for p, values in world.items() for index, value in enumerate(values)]
    trajectories = [trajectory(id, problem=problem) for problem, id, _ in named]
    return trajectories, [reward(id, value, problem=problem) for problem, id, value in named]


@quick
@given(worlds, st.integers(1, 5), st.booleans(), st.randoms())
def test_pairs_hold_every_bound_of_the_config(world: World, per_problem: int, balance: bool, random: Random) -> None:
    config = PairConfig(margin=2 / 7, per_problem=per_problem, balance=balance)
    trajectories, rewards = rows_of(world)
    built = navigator_pairs(trajectories, rewards, config, PROVENANCE)
    values = {row.id: row.reward for row in rewards if row.reward is not None}
    for pair in built.pairs:
        assert values[pair.chosen_id] - values[pair.rejected_id] == pytest.approx(pair.margin)
        assert pair.margin >= round(2 / 7, 9)
        assert pair.chosen != pair.rejected
        assert pair.chosen_id[0] == pair.rejected_id[0] == pair.problem_id
    sides = {(pair.chosen_id, pair.rejected_id) for pair in built.pairs}
    assert len(sides) == len(built.pairs) == len({pair.id for pair in built.pairs})
    assert not {(rejected, chosen) for chosen, rejected in sides} & sides
    for problem in world:
        own = [pair for pair in built.pairs if pair.problem_id == problem]
        assert len(own) <= per_problem
        if balance and own:
            most = math.ceil(len(own) / 2)
            assert max(Counter(pair.chosen_id for pair in own).values()) <= most
            assert max(Counter(pair.rejected_id for pair in own).values()) <= most
    shuffled = navigator_pairs(
        random.sample(trajectories, len(trajectories)), random.sample(rewards, len(rewards)), config, PROVENANCE
    )
    assert shuffled == built
    report = built.report
    assert report.groups == report.paired + sum(report.no_pair.values()) == len({p for p, v in world.items() if v})
    assert report.pairs == len(built.pairs)
    assert report.paired == len({pair.problem_id for pair in built.pairs})


def test_v8_a_navigator_s_pair_holds_rewards_the_canonical_plan_and_where_it_came_from() -> None:
    rewards = [reward("a", 1.0, multiplicity=3), reward("b", 0.25)]
    (pair,) = navigator_pairs([trajectory("a"), trajectory("b")], rewards, CONFIG, PROVENANCE).pairs
    assert pair == Pair(
        prompt=(Message(role="user", content="plan x"),),
        chosen=(Message(role="assistant", content="a"),),
        rejected=(Message(role="assistant", content="b"),),
        score_chosen=1.0,
        score_rejected=0.25,
        margin=0.75,
        n_chosen=7,
        n_rejected=7,
        standard_error_chosen=0.1,
        standard_error_rejected=0.1,
        multiplicity_chosen=3,
        multiplicity_rejected=1,
        id=pair.id,
        role="navigator",
        problem_id="x",
        trajectory_id=None,
        chosen_id="a",
        rejected_id="b",
        checkpoint="nav",
        reasoner="rea",
        library="lib",
        prompts="pro",
        round=2,
    )
    assert to_table(Pair, [pair]).num_rows == 1


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([], "no_plan_rewarded"),
        ([None, None], "no_plan_rewarded"),
        ([0.5, None], "one_distinct_plan"),
        ([0.0, 0.0], "all_rewards_zero"),
        ([1.0, 1.0, 1.0], "all_rewards_one"),
        ([0.5, 0.5], "all_rewards_equal"),
        ([0.5, 0.6], "margin_too_small"),
    ],
)
def test_the_report_says_why_there_is_no_pair(values: list[float | None], reason: str) -> None:
    ids = [f"t{index}" for index in range(len(values))]
    trajectories = [trajectory("failed", failed=True), *(trajectory(id) for id in ids)]
    rewards = [reward(id, value) for id, value in zip(ids, values, strict=True)]
    built = navigator_pairs(trajectories, rewards, CONFIG, PROVENANCE)
    assert built.pairs == []
    assert built.report.no_pair == {reason: 1}


def test_a_blank_plan_is_on_neither_side() -> None:
    rewards = [reward("a", 1.0), reward("b", 0.0)]
    built = navigator_pairs([trajectory("a"), trajectory("b", plan=" ")], rewards, CONFIG, PROVENANCE)
    assert built.report.no_pair == {"one_distinct_plan": 1}


def test_another_reasoner_makes_another_pair_of_the_same_plans() -> None:
    rows = [trajectory("a"), trajectory("b")], [reward("a", 1.0), reward("b", 0.0)]
    (one,) = navigator_pairs(*rows, CONFIG, PROVENANCE).pairs
    (other,) = navigator_pairs(*rows, CONFIG, replace(PROVENANCE, reasoner="other")).pairs
    assert one.id != other.id


def test_two_rewards_of_one_plan_are_refused() -> None:
    trajectories = [trajectory("a", plan="same"), trajectory("b", plan="same")]
    with pytest.raises(ValueError, match="two rewards for one plan"):
        navigator_pairs(trajectories, [reward("a", 1.0), reward("b", 0.0)], CONFIG, PROVENANCE)


def test_a_reward_without_its_trajectory_is_refused() -> None:
    with pytest.raises(ValueError, match="has no trajectory"):
        navigator_pairs([], [reward("a", 1.0)], CONFIG, PROVENANCE)


def test_plans_that_were_asked_for_in_different_words_are_refused() -> None:
    odd = replace(trajectory("b"), prompt=(Message(role="user", content="other words"),))
    with pytest.raises(ValueError, match="2 different prompts"):
        navigator_pairs([trajectory("a"), odd], [reward("a", 1.0), reward("b", 0.0)], CONFIG, PROVENANCE)
