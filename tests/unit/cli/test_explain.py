"""`reasonflux explain`: what people see, what machines get, and one line for what is not there."""

import json
from pathlib import Path

import pytest

from reasonflux.cli.main import main
from tests.unit.rounds.small_run import PLANNER, SmallRun, make_run


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def small(root: Path) -> SmallRun:
    return make_run(root)


def test_people_see_the_way_back_once(small: SmallRun, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pair = small.pair
    assert main(["explain", pair.id, "--root", str(root)]) == 0
    told = capsys.readouterr().out
    for line in (f"navigator pair {pair.id}", f"chosen trajectory {pair.chosen_id}", f"problem {pair.problem_id}"):
        assert line in told
    assert told.count(f"problem {pair.problem_id} (above)") == 1
    assert "Check [the] result" in told, "a model's brackets are no markup"
    assert "sampling: temperature 1" in told
    assert PLANNER in told


def test_machines_get_all_of_it(small: SmallRun, capsys: pytest.CaptureFixture[str]) -> None:
    asked = small.reasoner_pair.id
    assert main(["explain", asked, "--run", small.run.store.uri, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["asked"] == asked
    assert {source for node in found["nodes"].values() for _, source in node["sources"]} <= set(found["nodes"])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["explain", "f" * 32, "--root", "{root}"], "no pair, rollout"),
        (["explain", "f" * 32, "--run", "{root}/nowhere"], "there is no"),
        (["explain", "a", "--run", "b", "--root", "c"], "not allowed with"),
        (["explain"], "required: id"),
    ],
)
def test_what_is_not_there_is_one_line_and_status_2(
    arguments: list[str], told: str, small: SmallRun, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([argument.format(root=root) for argument in arguments]) == 2
    printed = capsys.readouterr().err
    assert told in printed and printed.count("\n") == 1
