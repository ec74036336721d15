"""Arguments that every job takes, and how it ends for each kind of error."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from ray.exceptions import RayTaskError
from rich.table import Table

from reasonflux.config import PairsJob
from reasonflux.distributed.job import JobArguments, job_arguments, run_job
from reasonflux.errors import BadInput, Deadline, EngineError, Incomplete, LeaseHeld, ReasonFluxError, StorageError

TESTBED = Path(__file__).parents[3] / "jobs" / "configs" / "testbed.yaml"


def raising(error: BaseException) -> Callable[[], None]:
    def main() -> None:
        raise error

    return main


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[JobArguments, PairsJob]]:
    def give(*arguments: str) -> tuple[JobArguments, PairsJob]:
        monkeypatch.setattr(sys, "argv", ["job.py", *arguments])
        return job_arguments(PairsJob, "A job.")

    return give


def test_overrides_and_flags_arrive(command: Callable[..., tuple[JobArguments, PairsJob]]) -> None:
    arguments, config = command("--config", str(TESTBED), "--set", "seed=1", "--set", "name=mine", "--json")
    assert (config.seed, config.name) == (1, "mine")
    assert (arguments.plan, arguments.json) == (False, True)
    assert command("--config", str(TESTBED), "--plan")[0] == JobArguments(plan=True, json=False)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "the following arguments are required: --config. See --help"),
        (("--config", str(TESTBED), "--set"), "argument --set: expected one argument. See --help"),
        (("--conf", str(TESTBED)), "the following arguments are required: --config. See --help"),  # no abbreviations
        (("--config", str(TESTBED), "seed=1"), "unrecognized arguments: seed=1. See --help"),
    ],
)
def test_a_wrong_command_line_is_bad_input(
    command: Callable[..., tuple[JobArguments, PairsJob]], arguments: tuple[str, ...], told: str
) -> None:
    with pytest.raises(BadInput) as caught:
        command(*arguments)
    assert str(caught.value) == told


@pytest.mark.parametrize(
    ("kind", "status"),
    [(BadInput, 2), (LeaseHeld, 3), (StorageError, 1), (Incomplete, 1), (EngineError, 1), (Deadline, 1)],
)
def test_a_known_error_is_one_line_and_its_own_exit_status(
    capsys: pytest.CaptureFixture[str], kind: type[ReasonFluxError], status: int
) -> None:
    assert run_job(raising(kind("the bucket is gone", "Name another"))) == status
    assert capsys.readouterr() == ("", "error: the bucket is gone. Name another\n")


def test_an_error_out_of_a_task_is_told_without_rays_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    error = RayTaskError("ingest", "Traceback …\n  many lines", BadInput("row 3 has no text", "Mend it"))
    assert run_job(raising(error.as_instanceof_cause())) == 2
    assert capsys.readouterr().err == "error: row 3 has no text. Mend it\n"


@pytest.mark.parametrize("error", [ValueError("a defect"), KeyboardInterrupt()])
def test_what_nobody_foresaw_keeps_its_traceback(error: BaseException) -> None:
    with pytest.raises(type(error)):
        run_job(raising(error))


def test_standard_output_holds_what_is_shown_and_nothing_else(capfd: pytest.CaptureFixture[str]) -> None:
    def main() -> None:
        print("(raylet) a node has died")  # as Ray does, from a thread of the driver
        subprocess.run(["echo", "from a process"], check=True)
        JobArguments(plan=False, json=True).show({"rows": 1})
        os.write(1, b"from a library in C\n")

    assert run_job(main) == 0
    out, err = capfd.readouterr()
    assert out == '{"rows": 1}\n'
    assert err.splitlines() == ["(raylet) a node has died", "from a process", "from a library in C"]
    print("after it as before")
    os.write(1, b"and by descriptor\n")
    assert capfd.readouterr() == ("after it as before\nand by descriptor\n", "")


@pytest.mark.slow
def test_nothing_follows_the_answer_while_the_process_ends() -> None:
    script = """
import atexit, os, sys
from reasonflux.distributed.job import JobArguments, run_job
atexit.register(os.write, 1, b"a node has died")  # as Ray does, which was there before
sys.exit(run_job(lambda: JobArguments(plan=False, json=True).show({"pairs": 2})))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, json.loads(done.stdout)) == (0, {"pairs": 2}), done.stderr
    assert "a node has died" in done.stderr


def test_help_is_an_answer(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["job.py", "--help"])
    with pytest.raises(SystemExit):
        run_job(lambda: job_arguments(PairsJob, "A job.") and None)
    assert "--cluster NAME" in capfd.readouterr().out


def test_machines_get_one_line_and_people_the_tables_and_words(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("stage")
    table.add_row("draws")
    JobArguments(plan=False, json=True).show({"b": 1, "a": [2]}, table, "words")
    assert capsys.readouterr().out == json.dumps({"a": [2], "b": 1}) + "\n"
    long = "/a/path" * 40
    JobArguments(plan=False, json=False).show({"b": 1}, table, long)
    out = capsys.readouterr().out
    assert "draws" in out
    assert long in out.splitlines()  # a path is not broken up
    assert '"b"' not in out


def test_a_number_that_json_lacks_is_refused() -> None:
    with pytest.raises(ValueError):
        JobArguments(plan=False, json=True).show({"mean": float("nan")})
