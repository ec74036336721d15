"""The job that builds a library, on a real Ray with a scripted engine: whole, refused rows counted, read when done."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.performance.scripted_engine import Script, scripted
from reasonflux.config import EngineSpec, FieldNames, LibraryJob, OutputConfig, ProblemSource, StreamConfig
from reasonflux.distributed.library_building import build_library
from reasonflux.evals.report.writing import leave_report
from reasonflux.library.load import load_library
from tests.models import write_model
from tests.unit.library.test_extraction import DRAFT
from tests.written import leaked

KINDS = ("Casework", "Symmetry", "Parity")


def reply(prompt: str) -> str:
    """A template by the problem's kind; every fifth problem is answered with prose, every seventh gives itself away."""
    number = int(prompt.partition("problem number ")[2].split()[0])
    if number % 5 == 0:
        return "I would rather not."
    steps = [f"The number is {number}", "Stop"] if number % 7 == 0 else ["Look", "Decide"]
    kind = KINDS[number % 3]
    return json.dumps(DRAFT | {"name": kind, "tags": [kind], "chapter": kind, "steps": steps})


def job(path: Path) -> LibraryJob:
    rows = [
        {"problem": f"This is problem number {number} of the kind.", "answer": "an answer", "solution": "It follows."}
        for number in range(3, 63)
    ]
    (path / "mine.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    write_model(path / "model")
    return LibraryJob(
        name="library",
        problems=ProblemSource(source="jsonl", path=str(path / "mine.jsonl"), fields=FieldNames(solution="solution")),
        proposer=EngineSpec(model=str(path / "model"), device="cpu"),
        stream=StreamConfig(shard_problems=16, rows_per_part=8),
        output=OutputConfig(root=str(path / "runs")),
    )


def started(*arguments: Any, **options: Any) -> None:
    raise AssertionError("an engine was started for a finished run")


@pytest.mark.slow
def test_l6_l7_a_library_is_built_and_a_finished_run_is_only_read(tmp_path: Path, ray_cluster: str) -> None:
    config = job(tmp_path)
    built = build_library(config, deploy=scripted(Script(reply=reply)))
    prose, leaks = 12, 7  # of the numbers 3 to 62: those divided by 5, and those by 7 and not by 5
    assert built.counts == {
        "solved problems": 60,
        "merged into another": 60 - prose - leaks - 3,
        "refused: leaks a number": leaks,
        "refused: not in the schema": prose,
        "templates": 3,
    }
    library = load_library(built.path)
    assert library.digest == built.digest
    assert sum(len(one.origin.problems) for one in library.templates if one.origin) == 60 - prose - leaks
    assert build_library(config, deploy=started) == built
    leave_report(str(tmp_path / "runs" / "library"))
    assert (tmp_path / "runs" / "library" / "report.html").exists()
    assert leaked(tmp_path) == []
