"""The Hub's `datasets` library as a source, on a data set in a local folder: no network."""

import json
from pathlib import Path

import pytest

from reasonflux.config import FieldNames, ProblemSource
from reasonflux.errors import BadInput
from reasonflux.problems.sources import read_problems


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    folder = tmp_path / "set"
    folder.mkdir()
    rows = [{"problem": f"p{number}", "answer": f"{number}", "level": number} for number in range(3)]
    (folder / "train.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return folder


def test_a_data_set_is_streamed(folder: Path) -> None:
    source = ProblemSource(source="hub", path=str(folder), fields=FieldNames(level="level"), limit=2)
    assert [(p.text, p.gold, p.level) for p in read_problems(source)] == [("p0", "0", "0"), ("p1", "1", "1")]


def test_a_split_that_is_not_there_is_bad_input(folder: Path) -> None:
    with pytest.raises(BadInput, match=r"problems\.split"):
        list(read_problems(ProblemSource(source="hub", path=str(folder), split="nowhere")))
