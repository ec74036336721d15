"""`reasonflux library check`: exit statuses, and one line for what is wrong."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from reasonflux.cli.main import main
from tests.unit.library.builders import ENTRY, save


def test_a_library_is_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = save(tmp_path / "a.json", ENTRY | {"template_name": "A [b] c"}, ENTRY)
    assert main(["library", "check", path]) == 0
    assert "Solving Method (2)" in capsys.readouterr().out
    assert main(["library", "check", path, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["templates"] == 2


def test_what_cannot_be_loaded_is_named_with_every_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = save(tmp_path / "a.json", {}, ENTRY | {"reason_flow": 1}, ENTRY, ENTRY)
    assert main(["library", "check", path]) == 1
    told = capsys.readouterr().err
    assert "wrong in 3 places" in told
    assert "chapter 'Algebra', section 'Quadratics', template 1 has no template_name" in told
    assert "template 2 needs text or a list of texts in reason_flow" in told
    assert "'Completing the square' twice with the same content" in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["library", "check", "nowhere.json"], "there is no nowhere.json"),
        (["library", "check"], "required: file"),
        (["library"], "required: COMMAND"),
        (["bake"], "invalid choice: 'bake'"),
    ],
)
def test_bad_usage_is_one_line_and_status_2(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    printed = capsys.readouterr().err
    assert told in printed and printed.count("\n") == 1


def test_the_package_is_a_command() -> None:
    command = [sys.executable, "-m", "reasonflux", "library", "check", "testbed", "--json"]
    done = subprocess.run(command, cwd=Path(__file__).parents[3], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["templates"] > 20
