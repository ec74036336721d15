"""What training takes: structure rows out of a library, and pairs of which the useless are counted by reason."""

from collections import Counter

import pytest

from reasonflux.errors import BadInput
from reasonflux.library.load import load_library
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.training.rows import Chat, Unusable, check_left_out, count_left_out, structure_rows


def chat(text: str, role: str = "assistant") -> list[dict[str, str]]:
    return [{"role": role, "content": text}]


def pair(prompt: str = "Plan.", chosen: str = "1. a", rejected: str = "1. b") -> dict[str, list[dict[str, str]]]:
    return {"prompt": chat(prompt, "user"), "chosen": chat(chosen), "rejected": chat(rejected)}


def words(messages: Chat) -> int:
    return sum(len(message["content"].split()) for message in messages)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (pair(), None),
        (pair(prompt=" "), Unusable.EMPTY_PROMPT),
        (pair(rejected=""), Unusable.EMPTY_ANSWER),
        (pair(rejected="1. a "), Unusable.EQUAL_TEXTS),
        (pair(chosen="a " * 9), Unusable.OVER_CUTOFF),
        ({"prompt": chat("x", "user"), "completion": chat("y")}, None),
        ({"prompt": chat("x", "user"), "completion": chat("")}, Unusable.EMPTY_ANSWER),
    ],
)
def test_a_row_that_teaches_nothing_is_left_out_for_its_reason(row: dict, reason: Unusable | None) -> None:
    assert count_left_out([row], words, cutoff=8) == Counter({reason: 1} if reason else {})


def test_a_row_at_the_cutoff_is_kept() -> None:
    assert not count_left_out([pair(prompt="a b", chosen="c d e", rejected="f")], words, cutoff=5)
    assert count_left_out([pair(prompt="a b", chosen="c d e", rejected="f")], words, cutoff=4)


def test_too_many_rows_over_the_cutoff_are_refused_and_few_are_not() -> None:
    check_left_out("pairs", 100, Counter({Unusable.OVER_CUTOFF: 5}), 0.05)
    with pytest.raises(BadInput, match="6 of 100 rows of pairs are over the cutoff"):
        check_left_out("pairs", 100, Counter({Unusable.OVER_CUTOFF: 6}), 0.05)


@pytest.mark.parametrize(("rows", "left_out"), [(0, Counter()), (2, Counter({Unusable.EQUAL_TEXTS: 2}))])
def test_data_without_a_usable_row_is_refused(rows: int, left_out: Counter) -> None:
    with pytest.raises(BadInput, match="holds no row to train on"):
        check_left_out("pairs", rows, left_out, 0.05)


def test_t1_each_template_becomes_one_structure_row_with_every_step() -> None:
    library = load_library("testbed")
    rows = list(structure_rows(library, PromptSet.load()))
    assert len(rows) == len(library.templates)
    for template, row in zip(library.templates, rows, strict=True):
        assert template.name in row["prompt"][0]["content"]
        answer = row["completion"][0]["content"]
        assert answer.startswith(template.description)
        assert answer.endswith(f"{len(template.steps)}. {template.steps[-1]}")
