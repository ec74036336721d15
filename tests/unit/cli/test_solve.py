"""`reasonflux solve`: the trajectory as it comes about, or one line of JSON."""

import json
from typing import Any

import pytest

import reasonflux
from reasonflux.cli.main import main
from reasonflux.distributed.face import ReasonFlux
from reasonflux.reasoning.methods.mcts import Mcts
from tests.scripted import ScriptedGenerate
from tests.unit.reasoning.methods.test_interplay_v1 import TEXTS, asked_for


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The face on a script; what the command gave it."""
    given: dict[str, Any] = {}

    def face(**settings: Any) -> ReasonFlux:
        given.update(settings)
        generate = ScriptedGenerate(lambda request: TEXTS[asked_for(request)])
        return ReasonFlux(navigator_path=generate, prompts="v1")

    monkeypatch.setattr(reasonflux, "ReasonFlux", face, raising=False)
    return given


def test_the_trajectory_is_told_as_it_comes_about(scripted: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["solve", "What is it?", "--max-iter", "1", "--reasoner", "r", "--navigator", "n", "--method", "mcts"])
        == 0
    )
    told = capsys.readouterr().out
    parts = ("navigator · navigator", "reasoner · step", "RESULT", "after 1 step: continue", "answer: -9")
    places = [told.index(part) for part in parts]
    assert places == sorted(places)
    assert (scripted["navigator_path"], scripted["inference_path"], scripted["method"]) == ("n", "r", Mcts())


def test_json_is_one_line(scripted: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["solve", "What is it?", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["answer"] == "-9"


def test_an_empty_problem_is_bad_input(scripted: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["solve", " "]) == 2
    assert capsys.readouterr().err == "error: the problem is empty. Give its statement as text\n"
