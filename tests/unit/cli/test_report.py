"""`reasonflux report`: where the page goes, and tables instead of it."""

from pathlib import Path

import pytest

from reasonflux.cli.main import main
from tests.unit.rounds.small_run import SmallRun, make_run


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallRun:
    return make_run(tmp_path_factory.mktemp("runs"))


def test_the_page_goes_into_the_run_or_where_it_is_told(
    small: SmallRun, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = small.run.store.uri
    for arguments, place in (
        ([run], Path(run) / "report.html"),
        ([run, "--out", "mine.html"], tmp_path / "mine.html"),
        ([run, "--out", str(tmp_path / "below" / "mine.html")], tmp_path / "below" / "mine.html"),
        ([run, run], tmp_path / "report.html"),
    ):
        assert main(["report", *arguments]) == 0
        assert capsys.readouterr().out.strip() == f"report: {place}"
        assert place.read_text().startswith("<!DOCTYPE html>")


def test_tables_come_as_files_or_are_printed(
    small: SmallRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = small.run.store.uri
    assert main(["report", run, "--csv", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"small-templates.csv"}
    capsys.readouterr()
    assert main(["report", run, "--markdown"]) == 0
    assert capsys.readouterr().out.startswith("## Templates, most used first\n\n| template | problems |")
    assert main(["report", run, "--latex"]) == 0
    assert r"\label{tab:small-templates}" in capsys.readouterr().out


def test_two_forms_at_once_and_no_run_are_refused(small: SmallRun, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", small.run.store.uri, "--latex", "--markdown"]) == 2
    assert main(["report", str(Path(small.run.store.uri).parent)]) == 2
    assert "is no run directory" in capsys.readouterr().err
