"""How far a run is, out of its directory alone."""

from pathlib import Path

import pytest

from reasonflux.cli.main import main
from reasonflux.errors import BadInput
from reasonflux.records import Draw, Failure, Problem, Trajectory, Usage
from reasonflux.storage.lease import Holder, Lease
from reasonflux.storage.progress import PROGRESS, ProgressFile, read_status
from reasonflux.storage.run import Run
from reasonflux.storage.store import Store
from tests.conftest import S3Server

PROBLEM = Problem(id="p", text="1 + 1?", gold="2", problem_set="sums")


def trajectory(number: int, *, failure: str = "") -> Trajectory:
    return Trajectory(
        id=f"t{number:02}",
        problem_id="p",
        round=0,
        index=number,
        prompt=(),
        text="",
        steps=(),
        plan="",
        in_library=0,
        status="failed" if failure else "done",
        failure=Failure(stage="trajectories", error=failure, message="") if failure else None,
        usage=Usage(),
    )


def draws(numbers: range) -> list[Draw]:
    return [Draw(id=f"t{number:02}", problem=PROBLEM, index=number, round=0, seed=0) for number in numbers]


def half_done(place: str) -> Run:
    """Two shards of four draws each; one is sealed, of the other two rows are there."""
    run = Run.open(place, "run", "name: run\n")
    planned, made = run.stage("draws", Draw), run.stage("trajectories", Trajectory)
    for shard in (0, 1):
        planned.put_shard(shard, draws(range(4 * shard, 4 * shard + 4)))
    planned.finish(2, {})
    made.commit(0, [trajectory(number, failure="truncated" if number == 1 else "") for number in range(4)])
    made.seal(0, [f"t{number:02}" for number in range(4)], {})
    made.commit(1, [trajectory(4, failure="prompt_too_long"), trajectory(5)])
    made.commit(1, [trajectory(5)])  # a straggler's part: the row counts once
    last = ProgressFile(
        stage="trajectories", state="running", rows=6, failed=2, expected=8, seconds=3, rows_per_s=2, time="2026"
    )
    run.store.put(PROGRESS, last.to_bytes())
    return run


def test_rows_failures_and_time_left_of_a_run_that_is_under_way(tmp_path: Path) -> None:
    run = half_done(str(tmp_path))
    with Lease.acquire(run.store, Holder.current()):
        status = read_status(run.store.uri)
    assert [(stage.name, stage.done, stage.expected, stage.failed) for stage in status.stages] == [
        ("draws", 8, 8, 0),
        ("trajectories", 6, 8, 2),
    ]
    assert [stage.finished for stage in status.stages] == [True, False]
    assert status.failures == {"trajectories: truncated": 1, "trajectories: prompt_too_long": 1}
    assert status.eta_s == pytest.approx((8 - 6) / 2)
    assert status.holder is not None and status.holder.startswith("held")
    assert not status.finished


def test_a_finished_stage_keeps_its_reasons(tmp_path: Path) -> None:
    run = half_done(str(tmp_path))
    made = run.stage("trajectories", Trajectory)
    made.commit(1, [trajectory(6), trajectory(7)])
    made.seal(1, [f"t{number:02}" for number in range(4, 8)], {})
    made.finish(2, {})
    run.finish({})
    status = read_status(run.store.uri)
    assert status.finished and status.eta_s is None
    assert status.stages[1].failed == 2
    assert status.failures == {"trajectories: truncated": 1, "trajectories: prompt_too_long": 1}


def test_people_get_a_table_and_s3_is_read_alike(s3_server: S3Server, capsys: pytest.CaptureFixture[str]) -> None:
    run = half_done(s3_server.new_bucket())
    assert main(["status", run.store.uri]) == 0
    told = capsys.readouterr().out
    assert "1 × trajectories: prompt_too_long" in told
    assert "trajectories running at 2026: 2.0 rows/s, about 0.0 minutes to its end" in told
    assert "driver: none yet" in told


def test_what_is_no_run_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BadInput, match="is no run directory"):
        read_status(str(tmp_path))
    assert main(["status", str(tmp_path)]) == 2
    assert Store.at(tmp_path).uri in capsys.readouterr().err


def test_the_runs_within_a_run_are_told_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rounds = Run.open(str(tmp_path), "rounds", "name: rounds\n")
    Run.open(rounds.store.child("round-1").uri, "pairs", "name: pairs\n").finish({})
    half_done(rounds.store.child("round-2").uri)
    status = read_status(rounds.store.uri)
    assert status.stages == () and status.ended_inside == ("round-1/pairs",)
    assert [run.stages[1].done for run in status.inside] == [6]
    assert main(["status", rounds.store.uri]) == 0
    told = capsys.readouterr().out
    assert "finished inside: round-1/pairs" in told
    assert "1 × trajectories: truncated" in told
    assert main(["status", rounds.store.uri, "--json"]) == 0
    assert '"inside": [{"uri"' in capsys.readouterr().out
