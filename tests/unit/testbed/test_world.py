"""The world's promises: splits apart, problems distinct, similar problems inside the split."""

import subprocess
import sys
from collections import Counter

import pytest

from reasonflux.errors import BadInput
from reasonflux.identity import digest
from reasonflux.testbed.subjects import FAMILIES
from reasonflux.testbed.world import (
    SPLITS,
    family_of,
    generate_problems,
    numbers_in,
    numbers_of,
    similar_problems,
    split_of,
    trained_phrasings,
)


def _key(numbers):
    return digest(dict(numbers))


def test_there_are_enough_families_and_wordings():
    held_out = [family for family in FAMILIES.values() if family.held_out]
    assert len(FAMILIES) - len(held_out) >= 20
    assert len(held_out) >= 4
    assert all(len(set(family.phrasings)) >= 4 for family in FAMILIES.values())


@pytest.mark.parametrize("family", FAMILIES)
def test_every_split_holds_thirty_numbers_of_the_family_and_none_of_another_split(family):
    splits = {split: {_key(numbers) for numbers in numbers_in(family, split)} for split in SPLITS}
    assert min(len(keys) for keys in splits.values()) >= 30
    assert sum(len(keys) for keys in splits.values()) == len(set().union(*splits.values()))


def test_held_out_families_are_new_compositions_of_templates_that_trained_families_use():
    trained = [family for family in FAMILIES.values() if not family.held_out]
    known_plans = {plan for family in trained for plan in (family.plan, family.tempting)}
    known_templates = {name for family in trained for name in family.plan}
    for family in FAMILIES.values():
        if family.held_out:
            assert family.plan not in known_plans
            assert set(family.plan) <= known_templates


@pytest.mark.parametrize("split", SPLITS)
def test_generated_problems_are_distinct_balanced_and_of_their_split(split):
    problems = generate_problems(275, split, seed=3)
    assert len({problem.id for problem in problems}) == len({problem.text for problem in problems}) == 275
    assert {problem.split for problem in problems} == {split}
    assert {split_of(numbers_of(problem)) for problem in problems} == {split}
    assert not any(problem.held_out for problem in problems)
    counts = Counter(problem.family for problem in problems)
    assert min(counts.values()) >= 5
    assert max(counts.values()) - min(counts.values()) <= 1


def test_numbers_return_only_when_a_family_has_used_all_of_its_own():
    problems = generate_problems(27 * 30, "final", seed=0)
    assert len({(problem.family, _key(numbers_of(problem))) for problem in problems}) == len(problems)


def test_held_out_problems_are_drawn_only_on_request_and_marked():
    problems = generate_problems(620, "gate", seed=1, held_out=True)
    for problem in problems:
        family = family_of(problem)
        assert problem.held_out == (family.held_out or problem.phrasing not in trained_phrasings(family))
    assert {problem.held_out for problem in problems} == {True, False}
    assert {problem.family for problem in problems} == set(FAMILIES)


def test_equal_arguments_give_equal_problems_and_another_seed_gives_others():
    assert generate_problems(60, "tuning", seed=5) == generate_problems(60, "tuning", seed=5)
    assert generate_problems(60, "tuning", seed=5) != generate_problems(60, "tuning", seed=6)


@pytest.mark.slow
def test_twenty_thousand_problems_can_be_had_and_too_many_are_refused():
    assert len({problem.id for problem in generate_problems(20_000, "training", seed=0)}) == 20_000
    with pytest.raises(BadInput, match=r"holds \d+ problems"):
        generate_problems(10_000_000, "training", seed=0)
    with pytest.raises(BadInput, match="no split 'test'"):
        generate_problems(10, "test", seed=0)


@pytest.mark.parametrize("held_out", [False, True])
def test_similar_problems_repeat_no_numbers_and_stay_in_split_and_family(held_out):
    for problem in generate_problems(93, "final", seed=2, held_out=held_out):
        similar = similar_problems(problem, 8, seed=4)
        keys = {_key(numbers_of(one)) for one in (problem, *similar)}
        assert len(keys) == 9
        assert {(one.split, one.family) for one in similar} == {(problem.split, problem.family)}
        assert problem.held_out or not any(one.held_out for one in similar)


def test_similar_problems_follow_from_the_seed():
    problem = generate_problems(1, "training", seed=0)[0]
    assert similar_problems(problem, 5, seed=1) == similar_problems(problem, 5, seed=1)
    assert similar_problems(problem, 5, seed=1) != similar_problems(problem, 5, seed=2)
    with pytest.raises(BadInput, match="other problems in split"):
        similar_problems(problem, 100_000, seed=1)


def test_the_gold_answer_is_a_whole_number_that_stands_in_no_phrasing():
    for problem in generate_problems(310, "training", seed=9, held_out=True):
        assert str(int(problem.gold)) == problem.gold
        assert "{" not in problem.text


def test_the_world_is_imported_without_a_model_library():
    script = (
        "import reasonflux.testbed.world, sys; print({'torch', 'transformers', 'tokenizers', 'ray'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
