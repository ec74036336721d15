from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reasonflux.config import PairConfig
from reasonflux.pairs.reasoner import reasoner_pairs
from reasonflux.pairs.report import Built
from reasonflux.records import GradedRollout, Rollout, Verdict
from reasonflux.rewards.trajectory_reward import trajectory_rewards
from tests.unit.pairs.rows import PROVENANCE, graded, quick, rollout

C, W, U, X, T, E = (
    Verdict.CORRECT,
    Verdict.WRONG,
    Verdict.UNPARSED,
    Verdict.TRUNCATED,
    Verdict.TIMEOUT,
    Verdict.ERROR,
)


def built_of(rows: list[tuple[Rollout, GradedRollout]], config: PairConfig) -> Built:
    rollouts, gradings = [row[0] for row in rows], [row[1] for row in rows]
    return reasoner_pairs(rollouts, gradings, trajectory_rewards(gradings), config, PROVENANCE)


def pairs_of(verdicts: list[Verdict], texts: list[str] | None = None, **config: float) -> Built:
    ids = [f"r{index}" for index in range(len(verdicts))]
    texts = texts or [f"text {id}" for id in ids]
    return built_of(
        [(rollout(id, text), graded(id, verdict)) for id, text, verdict in zip(ids, texts, verdicts, strict=True)],
        PairConfig(**config),
    )


groups = st.lists(st.tuples(st.sampled_from(list(Verdict)), st.integers(0, 3)), max_size=9)


@quick
@given(st.dictionaries(st.sampled_from(["t1", "t2"]), groups), st.integers(0, 3), st.randoms())
def test_a_pair_is_a_correct_and_a_wrong_rollout_of_one_plan_and_problem(
    world: dict[str, list[tuple[Verdict, int]]], most: int, random: Random
) -> None:
    rows = [
        (rollout(f"{plan}.{index}", f"{verdict} {text}", plan=plan), graded(f"{plan}.{index}", verdict, plan=plan))
        for plan, group in world.items()
        for index, (verdict, text) in enumerate(group)
    ]
    config = PairConfig(reasoner_per_trajectory=most)
    built = built_of(rows, config)
    verdicts = {grading.id: grading.verdict for _, grading in rows}
    for pair in built.pairs:
        assert (verdicts[pair.chosen_id], verdicts[pair.rejected_id]) == (Verdict.CORRECT, Verdict.WRONG)
        assert pair.chosen_id[:2] == pair.rejected_id[:2] == pair.trajectory_id
        assert sum(verdict is not Verdict.ERROR for verdict, _ in world[pair.trajectory_id]) >= 4
    assert max(Counter(pair.trajectory_id for pair in built.pairs).values(), default=0) <= most
    texts = [(pair.trajectory_id, pair.chosen, pair.rejected) for pair in built.pairs]
    assert len(set(texts)) == len(texts)
    assert built.report.groups == built.report.paired + sum(built.report.no_pair.values())
    random.shuffle(rows)
    assert built_of(rows, config) == built


@pytest.mark.parametrize(
    ("verdicts", "reason"),
    [
        ([C, W, C, E], "too_few_graded"),
        ([W, W, W, W], "none_correct"),
        ([C, C, C, C], "none_wrong"),
        ([C, U, X, T], "none_wrong"),
    ],
)
def test_the_report_says_why_there_is_no_pair(verdicts: list[Verdict], reason: str) -> None:
    built = pairs_of(verdicts)
    assert built.pairs == []
    assert built.report.no_pair == {reason: 1}


def test_problems_that_were_tried_less_often_are_not_even_counted() -> None:
    assert pairs_of([C, W, C]).report.groups == 0


def test_v8_a_reasoner_s_scores_are_the_verdicts_of_one_rollout_each() -> None:
    (pair,) = pairs_of([C, W, W, W], ["right", "wrong", "wrong", "wrong"]).pairs
    assert (pair.score_chosen, pair.score_rejected, pair.margin) == (1.0, 0.0, 1.0)
    assert (pair.n_chosen, pair.n_rejected) == (1, 1)
    assert pair.standard_error_chosen is pair.standard_error_rejected is None
    assert (pair.multiplicity_chosen, pair.multiplicity_rejected) == (1, 3)
    assert (pair.role, pair.checkpoint, pair.trajectory_id, pair.problem_id) == ("reasoner", "rea", "t", "x")
    assert pair.prompt == rollout("r0", "").prompt
    assert (pair.chosen[0].content, pair.rejected[0].content) == ("right", "wrong")


def test_a_text_that_was_graded_both_ways_is_not_rejected() -> None:
    assert pairs_of([C, W, C, C], ["same", "same", "a", "b"]).report.no_pair == {"none_wrong": 1}


def test_none_a_trajectory_means_no_work_and_no_reasons() -> None:
    built = pairs_of([C, W, C, W], reasoner_per_trajectory=0)
    assert (built.pairs, built.report.groups) == ([], 0)


def test_two_pairs_of_one_plan_share_no_rollout_when_balanced() -> None:
    built = pairs_of([C, C, W, W], reasoner_per_trajectory=2)
    assert len({pair.chosen_id for pair in built.pairs}) == len({pair.rejected_id for pair in built.pairs}) == 2


def test_an_accident_under_a_plan_of_low_reward_teaches_nothing() -> None:
    accident = pairs_of([C, W, W, W], reasoner_least_reward=0.5)
    assert (accident.pairs, accident.report.no_pair) == ([], {"reward_too_low": 1})
    assert len(pairs_of([C, C, W, W], reasoner_least_reward=0.5).pairs) == 1
    assert pairs_of([W, W, W, W], reasoner_least_reward=0.5).report.no_pair == {"none_correct": 1}


def test_a_plan_is_judged_by_its_reward_over_all_similar_problems() -> None:
    rows = [
        (rollout(f"{problem}{index}", f"{problem} {index}", problem=problem), graded(f"{problem}{index}", verdict))
        for problem, verdicts in {"x": [C, C, C, W], "y": [W, W, W, C]}.items()
        for index, verdict in enumerate(verdicts)
    ]
    rows = [(made, replace(grading, problem_id=made.problem_id)) for made, grading in rows]
    assert len(built_of(rows, PairConfig(reasoner_least_reward=0.5)).pairs) == 2
    assert built_of(rows, PairConfig(reasoner_least_reward=0.6)).report.no_pair == {"reward_too_low": 2}
