"""No text makes the parser raise, hang, or return what cannot be stored."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reasonflux.reasoning.parsing import parse_plan
from tests.unit.reasoning.pieces import PIECES

TEXTS_PER_EXAMPLE = 100


def written(text: str) -> None:
    for plan_format in ("templates", "free"):
        for step in parse_plan(text, plan_format):
            assert step.name or plan_format == "free"
            assert step.name or step.instruction
            for field in (step.name, step.instruction):
                assert field == " ".join(field.split())
                field.encode()


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**64))
def test_twenty_thousand_texts_of_plan_like_pieces(seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(TEXTS_PER_EXAMPLE):
        written("".join(dice.choices(PIECES, k=dice.randint(0, 30))))


@settings(max_examples=500, deadline=None)
@given(st.text(st.characters(), max_size=200))
def test_text_of_any_characters(text: str) -> None:
    written(text)


@pytest.mark.slow
@pytest.mark.parametrize("wrap", ["{}", "1. {}", "<think>{}", '{{"steps": ["{}"]}}', "## Strategy\n{}"])
@pytest.mark.parametrize(
    "piece",
    [
        "*",
        "#",
        "1",
        "(",
        "a ",
        "\n",
        "1. ",
        "- ",
        "_",
        "`a",
        "[",
        "{",
        '{"a":',
        "**a",
        "\\",
        "# a\n",
        "Step 1: a\n",
        "a\n\n",
    ],
)
def test_the_time_for_a_long_text_is_linear(piece: str, wrap: str) -> None:
    text = wrap.format(piece * (30_000 // len(piece)))
    started = time.process_time()
    for plan_format in ("templates", "free"):
        parse_plan(text, plan_format)
    assert time.process_time() - started < 3  # seconds of CPU; linear takes 0.5, a quadratic search took 20
