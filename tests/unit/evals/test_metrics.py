"""Metrics from stored verdicts: pass@k against brute force, and what must not move pass@1."""

from collections import Counter
from dataclasses import replace
from itertools import combinations
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reasonflux.errors import BadInput
from reasonflux.evals.metrics import group, majority_at_k, powers_of_two, score
from tests.unit.evals.marks import marks

LETTERS = st.text("c1234ute", min_size=1, max_size=7)


@given(LETTERS.flatmap(lambda letters: st.tuples(st.just(letters), st.integers(1, len(letters)))))
def test_majority_at_k_is_the_share_of_subsets_that_elect_the_correct_answer(case: tuple[str, int]) -> None:
    letters, k = case
    elected = []
    for subset in combinations(letters, k):
        counts = Counter(letter for letter in subset if letter in "c1234")
        winners = [letter for letter, count in counts.items() if count == max(counts.values())]
        elected.append(("c" in winners) / len(winners) if winners else 0.0)
    assert majority_at_k(marks(letters), k) == pytest.approx(fmean(elected))


@settings(max_examples=25)
@given(st.lists(st.text("c1ut", min_size=3, max_size=3), min_size=1, max_size=8), st.integers(2, 4))
def test_pass_at_1_does_not_depend_on_the_number_of_samples(problems: list[str], times: int) -> None:
    once, often = score(marks(*problems)), score(marks(*[letters * times for letters in problems]))
    assert often.samples == times * once.samples
    assert often.pass_at_1.mean == pytest.approx(once.pass_at_1.mean)
    assert often.pass_at[1] == pytest.approx(once.pass_at_1.mean)
    assert (often.pass_at_1.low, often.pass_at_1.high) == pytest.approx((once.pass_at_1.low, once.pass_at_1.high))


def test_what_failed_stays_in_the_denominator() -> None:
    found = score(marks("c", "e", "t", "u"))
    assert found.pass_at_1.mean == 0.25
    assert (found.problems, found.failed, found.truncated, found.unparsed) == (4, 1, 0.25, 0.25)
    assert found.verdicts == {"correct": 1, "wrong": 0, "unparsed": 1, "truncated": 1, "timeout": 0, "error": 1}


def test_v13_tokens_are_told_by_role_with_cached_ones_apart() -> None:
    found = score([replace(mark, navigator_output_tokens=10) for mark in marks("c1", "11")])
    assert found.tokens["reasoner"] == {"prompt": 20, "output": 30, "cached": 16}
    assert found.tokens["navigator"] == {"prompt": 0, "output": 10, "cached": 0}
    assert found.tokens_a_solution == 60
    assert found.to_json()["tokens"] == found.tokens


def test_the_judge_s_disagreements_are_counted_where_it_had_an_opinion() -> None:
    judged = [
        replace(mark, judgement=judgement)
        for mark, judgement in zip(marks("cc1u"), ("correct", "wrong", "wrong", "unreadable"), strict=True)
    ]
    found = score(judged)
    assert (found.judged, found.disagreements) == (3, 1)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (marks("cc", "c"), "unequal numbers of samples: 1 for p0001 and 2 for p0000"),
        ([], "no samples"),
        (marks("c") + marks("c", method="guided"), "several methods"),
        (marks("c") * 2, "stands there twice"),
    ],
)
def test_samples_without_a_common_score_are_refused(given: list, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        score(given)


def test_majority_over_many_subsets_is_drawn_alike_each_time() -> None:
    many = marks("c1" * 16)
    assert majority_at_k(many, 8) == majority_at_k(many, 8) == pytest.approx(0.5, abs=0.05)


def test_spellings_of_one_wrong_answer_vote_together() -> None:
    one, two, right = marks("12c")
    same = [replace(one, answer=r"\frac{1}{2}"), replace(two, answer=r"\dfrac{1}{2}"), right]
    assert majority_at_k(same, 3) == 0.0


def test_samples_are_grouped_and_ks_are_powers_of_two() -> None:
    assert list(group(marks("c", method="a") + marks("c", method="b"))) == [
        ("set", "model", "a"),
        ("set", "model", "b"),
    ]
    assert powers_of_two(1) == [1]
    assert powers_of_two(6) == [1, 2, 4, 6]
    assert powers_of_two(16) == [1, 2, 4, 8, 16]
