"""What a page weighs: bounded, whatever the number of problems and the length of texts."""

import random
from dataclasses import replace
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reasonflux.evals.report.fitting import BLOCK, MOST_BYTES, pack
from reasonflux.evals.report.parts import Course, Item, Turn
from reasonflux.evals.report.texts import clean, cut
from tests.unit.evals.report.pages import template, unpacked


def item(number: int, texts: list[str], verdicts: list[str]) -> Item:
    turns = tuple(
        Turn(title="rollout", id=f"{number}-{place}", verdict=verdict, text=text)
        for place, (text, verdict) in enumerate(zip(texts, verdicts, strict=True))
    )
    course = Course(id=f"plan-{number}", title="plan", turns=turns)
    return Item(
        id=str(number), problem_set="sums", level="", text=f"Problem {number}", gold="1", verdicts={}, courses=(course,)
    )


def noise(characters: int) -> str:
    """Text that hardly packs."""
    return "".join(random.Random(0).choices("abcdefghijklmnopqrstuvwxyz0123456789 ", k=characters))


@pytest.mark.slow
@pytest.mark.parametrize(("problems", "rollouts", "most"), [(1_000, 3, MOST_BYTES), (100, 16, 400_000)])
def test_all_problems_fit_and_each_keeps_all_its_verdicts(problems: int, rollouts: int, most: int) -> None:
    verdicts = ["wrong"] * (rollouts - 1) + ["correct"]
    long = noise(500_000)
    starts = iter(place * 7_919 % (len(long) - 800) for place in range(problems * rollouts))

    def texts() -> list[str]:
        return [long[start : start + 800] for start in islice(starts, rollouts)]

    packed = pack([item(number, texts(), verdicts) for number in range(problems)], [], most)
    assert most / 2 < packed.size <= most, "as much is shown as there is room for"
    shown = [one for block in packed.blocks for one in unpacked(block)["items"]]
    assert [one["id"] for one in shown] == [str(number) for number in range(problems)]
    for one in shown:
        assert {turn["verdict"] for turn in one["courses"][0]["turns"]} == {"wrong", "correct"}


def test_short_texts_stay_whole_beside_long_ones() -> None:
    packed = pack([item(0, ["short", "y" * 3_000_000], ["wrong", "correct"])], [])
    short, long = unpacked(packed.blocks[0])["items"][0]["courses"][0]["turns"]
    assert short["text"] == "short"
    assert long["text"].startswith("yyy") and long["text"].endswith("yyy") and len(long["text"]) < 30_000


def test_a_cut_text_says_how_much_is_left_out() -> None:
    assert cut("abc", 3) == "abc"
    told = cut("a" * 600 + "b" * 600, 340)
    assert told.startswith("a" * 200) and told.endswith("b" * 100) and "\n[… 900 characters left out …]\n" in told
    assert cut(told, len(told)) == told
    assert "1,100 characters left out" in cut(told, 140), "what was left out before counts"


def test_the_list_knows_of_each_item_what_the_filters_ask() -> None:
    some = [replace(item(number, ["x"], ["wrong"]), level="3", verdicts={"wrong": 4}) for number in range(BLOCK + 1)]
    index = unpacked(pack(some, [template()]).index)
    assert len(index["items"]) == BLOCK + 1 and index["block"] == BLOCK
    assert index["items"][0] == {
        "id": "0",
        "set": "sums",
        "level": "3",
        "title": "Problem 0",
        "verdicts": {"wrong": 4},
    }
    assert index["templates"][0]["name"] == "Complete the square"


@given(st.text())
def test_cleaned_texts_can_be_written_and_hold_nothing_that_moves_others(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode()
    assert not set(cleaned) & {chr(code) for code in (0, 7, 0x1B, 0x200F, 0x202E, 0x2066, 0xFEFF, 0x9B)}
    assert clean(cleaned) == cleaned
