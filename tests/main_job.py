"""The main job on small inputs: inside the test's process, where Ray may not be asked for, or in one of its own."""

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import ray
import yaml
from ray import serve

from reasonflux.distributed import runtime
from reasonflux.distributed.job import run_job
from tests.models import write_model

ROOT = Path(__file__).parents[1]
JOB = ROOT / "jobs" / "generate_pairs.py"
ROWS = [{"id": f"id {number}", "problem": f"What is {number} + 1?", "answer": str(number + 1)} for number in range(6)]
PROCESS_DEADLINE_S = 30.0


@dataclass(frozen=True)
class Ended:
    """How a job ended, and what it said."""

    status: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The one line of an error."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        return lines[0]


@dataclass(frozen=True)
class Place:
    """A directory with all that a job needs, each part of which a test may spoil."""

    path: Path

    @classmethod
    def at(cls, path: Path) -> "Place":
        place = cls(path)
        place.write_problems(ROWS)
        write_model(path / "model")
        config = {
            "name": "small",
            "problems": {"source": "jsonl", "path": str(place.problems)},
            "similar": {"provider": "nearest", "count": 2},
            "navigator": {"model": str(path / "model"), "device": "cpu"},
            "reasoner": "navigator",
            "output": {"root": str(place.root)},
        }
        place.config.write_text(yaml.safe_dump(config), encoding="utf-8")
        return place

    @property
    def config(self) -> Path:
        return self.path / "job.yaml"

    @property
    def problems(self) -> Path:
        return self.path / "set.jsonl"

    @property
    def root(self) -> Path:
        return self.path / "runs"

    def write_problems(self, rows: list[dict[str, Any]]) -> None:
        self.problems.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


@dataclass(frozen=True)
class HereJob:
    """The job in this process, where a call of Ray or Serve fails the test; arguments are overrides and flags."""

    place: Place
    monkeypatch: pytest.MonkeyPatch
    capfd: pytest.CaptureFixture[str]

    def __post_init__(self) -> None:
        for module, name in ((runtime, "connect"), (ray, "init"), (serve, "start"), (serve, "run_many")):
            self.monkeypatch.setattr(module, name, _started)

    def __call__(self, *arguments: str) -> Ended:
        spec = importlib.util.spec_from_file_location("generate_pairs_job", JOB)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        given = [part for each in arguments for part in ([each] if each.startswith("--") else ["--set", each])]
        self.monkeypatch.setattr(sys, "argv", [str(JOB), "--config", str(self.place.config), *given])
        before = ray.is_initialized()
        status = run_job(module.main)
        assert ray.is_initialized() is before
        captured = self.capfd.readouterr()
        return Ended(status, captured.out, captured.err)


def _started(*arguments: object, **options: object) -> None:
    raise AssertionError("Ray was asked for")


def process(place: Path, *arguments: str, script: Path = JOB) -> Ended:
    """The job as a user starts it. Ray would leave the directory of its session in `place`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment |= {"PYTHONPATH": str(ROOT), "RAY_TMPDIR": str(place), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, str(script), *arguments],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PROCESS_DEADLINE_S,
    )
    assert not (place / "ray").exists(), "Ray was started"
    return Ended(done.returncode, done.stdout, done.stderr)
