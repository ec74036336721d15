"""Shared runs of words between what was trained on and what is measured."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reasonflux.cli.main import main
from reasonflux.library.load import load_library
from reasonflux.problems.contamination import overlaps, problem_texts, template_texts
from reasonflux.problems.sets import PROBLEM_SETS, load_set
from reasonflux.records import Problem

LONG = " ".join(f"word{number}" for number in range(30))


def problem(name: str, text: str) -> Problem:
    return Problem(id=name, text=text, gold="1", problem_set="set")


def pairs(texts: dict[str, str], problems: dict[str, str], words: int = 20) -> list[tuple[str, str, int]]:
    benchmark = [problem(name, text) for name, text in problems.items()]
    found = overlaps("mine", texts.items(), "set", benchmark, run_words=words)
    assert (found.texts, found.problems) == (len(texts), len(problems))
    return [(one.problem_id, one.source_id, one.runs) for one in found.overlaps]


def test_a_run_counts_wherever_it_stands_and_whatever_its_case_and_signs() -> None:
    inside = "Before, " + LONG.upper().replace(" ", ", ") + "; behind."
    assert pairs({"a": inside, "b": "something else"}, {"p": LONG, "q": "quite another problem"}) == [("p", "a", 11)]


def test_a_run_that_is_one_word_short_does_not_count() -> None:
    words = LONG.split()
    assert pairs({"a": " ".join(words[:19])}, {"p": LONG}) == []
    assert pairs({"a": " ".join(words[:20])}, {"p": LONG}) == [("p", "a", 1)]


def test_a_short_problem_is_compared_as_a_whole() -> None:
    assert pairs({"a": "Well: what is 2 plus 2, then?", "b": "What is 2 plus 3?"}, {"p": "What is 2 plus 2?"}) == [
        ("p", "a", 1)
    ]
    assert pairs({"a": "no words"}, {"p": "?!"}) == []


def test_math_train_shares_runs_of_20_words_with_17_problems_of_math500(shared_data: Callable[[str], Path]) -> None:
    train, test = (
        load_set(name, PROBLEM_SETS[name], path=str(shared_data(f"data/{name}.jsonl"))).problems
        for name in ("math_train", "math500")
    )
    found = overlaps("MATH train", problem_texts(train), "MATH-500", test)
    long = {one.id for one in test if len(one.text.split()) >= 20}
    assert len({one.problem_id for one in found.overlaps} & long) <= found.contaminated
    assert found.contaminated == 17


def test_examples_of_templates_are_texts_to_look_through() -> None:
    templates = load_library("testbed").templates
    given = replace(templates[0], example=LONG)
    assert list(template_texts([given, replace(templates[1], example=" ")])) == [(given.id, LONG)]


def test_the_command_tells_of_several_sides(
    shared_data: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    sets = {name: f"{name}={shared_data(f'data/{name}.jsonl')}" for name in ("amc23", "aime24")}
    library = f"library={shared_data('data/reasonflux/template_library.json')}"
    assert main(["contamination", library, sets["amc23"], "--against", sets["aime24"]]) == 0
    shown = capsys.readouterr().out
    assert "AMC 2023" in shown and "library template_library.json" in shown


def test_a_set_that_nobody_knows_is_told_before_the_hub_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("reasonflux.cli.contamination.load_set", lambda *_, **__: pytest.fail("a set was read"))
    assert main(["contamination", "nothing", "--against", "aime24"]) == 2
    assert "there is no problem set nothing" in capsys.readouterr().err
    assert main(["contamination", "math_train", "--against", "library=x.json"]) == 2
