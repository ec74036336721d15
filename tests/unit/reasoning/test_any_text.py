"""No text makes any reader of model output raise, take long, or return what cannot be stored.

The large run reads 100,000 texts: python -m pytest -m slow tests/unit/reasoning/test_any_text.py
"""

import json
import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reasonflux.reasoning.answers import boxed_answer, extract_answer
from reasonflux.reasoning.decisions import read_decision
from reasonflux.reasoning.methods.voting import sameness
from reasonflux.reasoning.parsing import parse_plan
from reasonflux.reasoning.strategy import strategy_of
from tests.unit.reasoning.pieces import text_of

LIMIT_S = 0.05  # CPU time of one reader on one text
TEXTS = 1000  # of one example: hypothesis draws the seed that they are made from

READERS: dict[str, Callable[[str], Any]] = {
    "plan of templates": lambda text: [[one.name, one.instruction] for one in parse_plan(text, "templates")],
    "free plan": lambda text: [[one.name, one.instruction] for one in parse_plan(text, "free")],
    "decision": lambda text: (lambda one: [one.action, one.query])(read_decision(text, "templates")),
    "free decision": lambda text: read_decision(text, "free").action,
    "strategy": lambda text: strategy_of(text) in text or text.splitlines() != [],
    "answer": extract_answer,
    "boxed answer": boxed_answer,
    "sameness": lambda text: str(sameness(text)),
}


def read_all(text: str) -> dict[str, float]:
    """CPU time of each reader on one text; what they return must be text that JSON and UTF-8 can hold."""
    seconds = {}
    for name, read in READERS.items():
        started = time.process_time()
        found = read(text)
        seconds[name] = time.process_time() - started
        json.dumps(found, ensure_ascii=False).encode()
    return seconds


def slow_ones(text: str, seconds: dict[str, float]) -> list[str]:
    """Readers that take too long on a text, again and again: another process's turn is not the reader's fault."""
    slow = [name for name, spent in seconds.items() if spent > LIMIT_S]
    for _ in range(3 if slow else 0):
        again = read_all(text)
        slow = [name for name in slow if again[name] > LIMIT_S]
    return slow


def read_texts(seed: int, count: int) -> None:
    dice = random.Random(seed)
    for _ in range(count):
        text = text_of(dice)
        slow = slow_ones(text, read_all(text))
        assert not slow, f"{slow} take more than {LIMIT_S} s for {text!r}"


@pytest.mark.slow
@settings(max_examples=3)
@given(st.integers(0, 2**64))
def test_three_thousand_texts_are_read_by_every_reader(seed: int) -> None:
    read_texts(seed, TEXTS)


@pytest.mark.slow
@pytest.mark.parametrize("quarter", range(4))  # so that all workers of a test run have some
@settings(max_examples=25)
@given(seed=st.integers(0, 2**64))
def test_a_hundred_thousand_texts_are_read_by_every_reader(quarter: int, seed: int) -> None:
    read_texts(seed, TEXTS)


@settings(max_examples=300)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_text_of_any_characters_is_read_by_every_reader(text: str) -> None:
    assert not slow_ones(text, read_all(text))


@settings(max_examples=100)
@given(st.text(st.characters(categories=["Cs", "Ll"]), max_size=50))
def test_half_a_character_makes_no_reader_raise(text: str) -> None:
    for read in READERS.values():
        read(text)
