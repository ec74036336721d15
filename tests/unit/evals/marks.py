"""Samples for tests of metrics."""

from dataclasses import replace
from typing import Any

from reasonflux.evals.samples import Mark

MARK = Mark(
    id="",
    benchmark="set",
    model="model",
    method="direct",
    problem_id="p",
    index=0,
    verdict="wrong",
    answer="7",
    navigator_prompt_tokens=0,
    navigator_output_tokens=0,
    navigator_cached_tokens=0,
    reasoner_prompt_tokens=20,
    reasoner_output_tokens=30,
    reasoner_cached_tokens=16,
    requests=1,
    rounds=0,
    templates=0,
    seconds=0.5,
    judgement="",
    failure=None,
)


def marks(*problems: str, **changes: Any) -> list[Mark]:
    """One letter a sample: c correct, u unparsed, t truncated, e error; a digit is that wrong answer."""
    verdicts = {"c": "correct", "u": "unparsed", "t": "truncated", "e": "error"}
    return [
        replace(
            MARK,
            **changes,
            id=f"{number}-{index}",
            problem_id=f"p{number:04}",
            index=index,
            verdict=verdicts.get(letter, "wrong"),
            answer="42" if letter == "c" else letter if letter.isdigit() else "",
        )
        for number, letters in enumerate(problems)
        for index, letter in enumerate(letters)
    ]
