"""X_sim: x first, none outside its split, none twice, the same every time."""

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reasonflux.config import SimilarConfig
from reasonflux.errors import BadInput
from reasonflux.problems.similar import SIMILAR, SimilarIndex
from reasonflux.records import Problem

WORDS = {
    "train": "train leaves station speed distance",
    "tank": "tank pipe fills water hours",
    "coin": "coin toss heads",
}


def problem(number: int, family: str = "train", split: str = "tuning", **fields: object) -> Problem:
    text = f"{WORDS[family]} {number} and {number * 7}"
    given = {"id": f"{family}{number}{split}", "text": text, "family": family, "split": split, **fields}
    return Problem(gold="1", problem_set="set", **given)  # type: ignore[arg-type]


POOL = [problem(number, family, split) for number in range(12) for family in WORDS for split in ("tuning", "gate")]


@pytest.mark.parametrize("provider", SIMILAR)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_whatever_the_pool_the_promises_hold(provider: str, data: st.DataObject) -> None:
    pool = data.draw(st.lists(st.sampled_from(POOL), min_size=1, max_size=20))
    anchor, count = data.draw(st.sampled_from(POOL)), data.draw(st.integers(1, 8))
    similar = SimilarIndex(pool, provider, seed=3).similar(anchor, count)
    assert similar.problems[0] == anchor
    assert similar.id == anchor.id
    assert len(similar.problems) <= count
    assert {other.split for other in similar.problems} == {anchor.split}
    for field in ("id", "text"):
        assert len({getattr(other, field) for other in similar.problems}) == len(similar.problems)
    again = SimilarIndex(pool, provider, seed=3).similar(anchor, count)
    assert again == similar


def test_family_gives_the_family_and_all_of_it_when_more_are_asked_for() -> None:
    index = SimilarIndex(POOL, "family")
    four = index.similar(POOL[0], 4)
    assert [other.family for other in four.problems] == ["train"] * 4
    assert four.purity == 1.0
    assert len(index.similar(POOL[0], 100).problems) == 12


def test_family_serves_every_member_equally_often_and_another_seed_chooses_anew() -> None:
    pool = [member for member in POOL if member.split == "gate"]
    chosen = [SimilarIndex(pool, "family", seed=seed) for seed in (0, 1)]
    sets = [[index.similar(member, 4).problems for member in pool] for index in chosen]
    uses = [other.id for similar in sets[0] for other in similar]
    assert {uses.count(member.id) for member in pool} == {4}
    assert sets[0] != sets[1]


def test_family_does_not_depend_on_the_order_of_the_pool() -> None:
    assert SimilarIndex(POOL).similar(POOL[0], 4) == SimilarIndex(POOL[::-1]).similar(POOL[0], 4)


def test_family_without_families_names_the_remedy() -> None:
    with pytest.raises(BadInput, match="nearest"):
        SimilarIndex([problem(1, family="train").__class__(id="a", text="t", gold="1", problem_set="s")], "family")


def test_nearest_finds_the_family_from_words_and_knows_its_purity() -> None:
    index = SimilarIndex(POOL, "nearest")
    assert all(index.similar(member, 4).purity == 1.0 for member in POOL)
    assert index.similar(POOL[0], 24).purity == 0.5


def test_nearest_goes_by_tags_where_words_say_nothing() -> None:
    pool = [problem(number, tags=("odd",) if number % 2 else ("even",)) for number in range(10)]
    similar = SimilarIndex(pool, "nearest").similar(pool[3], 5)
    assert [other.tags for other in similar.problems] == [("odd",)] * 5


def test_nearest_knows_a_problem_from_outside_the_pool_and_one_of_unknown_words() -> None:
    index = SimilarIndex(POOL, "nearest")
    outside = problem(99, family="tank")
    assert {other.family for other in index.similar(outside, 4).problems} == {"tank"}
    strange = Problem(id="s", text="Ω", gold="1", problem_set="set", split="gate")
    assert len(index.similar(strange, 4).problems) == 4
    assert index.similar(strange, 4).purity is None
    assert index.similar(problem(1, split="nowhere"), 4).problems == (problem(1, split="nowhere"),)


def test_nearest_takes_texts_without_a_word() -> None:
    pool = [Problem(id=str(number), text=f"{number} + 1 = ?", gold="1", problem_set="set") for number in range(4)]
    assert len(SimilarIndex(pool, "nearest").similar(pool[0], 3).problems) == 3


@pytest.mark.parametrize("provider", SIMILAR)
def test_an_empty_pool_leaves_x_alone(provider: str) -> None:
    assert SimilarIndex([], provider).similar(POOL[0], 4).problems == (POOL[0],)


def test_a_trained_problem_never_stands_with_a_held_out_one() -> None:
    pool = [problem(number, held_out=number % 2 == 0) for number in range(10)]
    for provider in ("family", "nearest"):
        index = SimilarIndex(pool, provider)
        assert not any(other.held_out for other in index.similar(pool[1], 9).problems)
        assert len(index.similar(pool[0], 9).problems) == 9


def test_a_shipped_index_chooses_alike() -> None:
    for provider in SIMILAR:
        index = SimilarIndex(POOL, provider, seed=1)
        shipped = pickle.loads(pickle.dumps(index))
        assert [shipped.similar(member, 4) for member in POOL] == [index.similar(member, 4) for member in POOL]


def test_self_is_x_alone() -> None:
    assert SimilarIndex(POOL, "self").similar(POOL[5], 4).problems == (POOL[5],)


def test_the_registry_and_the_config_name_the_same_providers() -> None:
    assert {SimilarConfig(provider=name).provider for name in SIMILAR} == set(SIMILAR)
