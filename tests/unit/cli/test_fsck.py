"""`reasonflux fsck`: what is damaged is named, and the exit status says whether rows are lost."""

import json
from pathlib import Path

import pytest

from reasonflux.cli.main import main
from tests.unit.rounds.small_run import make_run


def test_a_whole_run_passes_and_a_changed_part_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = make_run(tmp_path).run.store.uri
    assert main(["fsck", run]) == 0
    assert "lose data" not in capsys.readouterr().out.replace("0 of them lose data", "")
    part = next(Path(run).glob("stage=rollouts/shard=*/*.parquet"))
    part.write_bytes(part.read_bytes() + b"x")
    assert main(["fsck", run, "--json"]) == 1
    (lost,) = [finding for finding in json.loads(capsys.readouterr().out) if finding["loses_data"]]
    assert (lost["fault"], lost["path"]) == ("changed", str(part.relative_to(run)))
    assert main(["fsck", run]) == 1
    assert "1 of them lose data" in capsys.readouterr().out


def test_a_place_that_is_no_run_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fsck", str(tmp_path)]) == 2
    assert "no run directory" in capsys.readouterr().err
