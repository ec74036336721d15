"""Faults beside the driver: a replica that dies, problems beyond the models, a submission that cannot run."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from reasonflux.distributed.local_head import LocalHead
from reasonflux.records import Rollout
from reasonflux.storage.run import Run
from reasonflux.storage.stage import Stage
from reasonflux.storage.store import Store
from tests.drills.drivers import ROOT, Driver, ids_of, small_config, wait_for_parts

pytestmark = pytest.mark.slow


def test_a_replica_killed_in_the_middle_costs_no_row(
    tmp_path: Path, head: LocalHead, replica_pids: Callable[[str], list[int]]
) -> None:
    # With many calls in flight, some are under way whenever the replica dies.
    config = small_config(tmp_path / "config.yaml", str(tmp_path), "replica", stream={"calls_in_flight": 8})
    run = tmp_path / "replica"
    driver = Driver.start(config)
    wait_for_parts(run, "rollouts", 2, driver)
    (pid,) = replica_pids("replica-reasoner")
    os.kill(pid, signal.SIGKILL)
    status, summary, err = driver.finish()
    assert status == 0, err[-3000:]
    assert summary["failures"] == {}
    ids = ids_of(str(tmp_path), "replica")
    stage: Stage[Rollout] = Run(Store.at(tmp_path).child("replica")).stage("rollouts", Rollout)
    sealed = stage.manifest()
    assert sealed is not None
    rows = [row for shard in range(len(sealed.shards)) for row in stage.records(shard)]
    assert max(row.usage.attempts for row in rows) > 1, "what the dead replica owed was asked for again"
    assert min(row.usage.attempts for row in rows) == 1, "and nothing else was"
    assert len(ids["rollouts"]) == len(ids["attempts"]) == summary["rollouts"]


@pytest.mark.parametrize(("name", "count"), [("math500.jsonl", 100), ("math_train.jsonl", 500)])
def test_problems_that_the_models_cannot_solve_end_in_words_and_not_in_an_error(
    name: str, count: int, tmp_path: Path, head: LocalHead, shared_data: Callable[[str], Path]
) -> None:
    run = name.removesuffix(".jsonl").replace("_", "-")
    config = small_config(
        tmp_path / "config.yaml",
        str(tmp_path),
        run,
        problems={
            "source": "jsonl",
            "path": str(shared_data(f"data/{name}")),
            "split": "test",
            "limit": count,
            "fields": {"text": "problem", "gold": "answer"},
        },
        similar={"provider": "nearest", "count": 2},
        sampling={"trajectories": 2, "rollouts_own": 1, "rollouts_similar": 1},
        stream={"shard_problems": 64, "rows_per_part": 64, "calls_in_flight": 4},
    )
    status, summary, err = Driver.start(config).finish(600)
    assert status == 0, err[-3000:]
    assert summary["problems"] == count
    assert summary["trajectories"] == 2 * count
    assert sum(summary["verdicts"].values()) == summary["rollouts"]
    ids = ids_of(str(tmp_path), run)
    assert len(ids["trajectories"]) == 2 * count
    assert len(ids["rollouts"]) == len(ids["verdicts"]) == len(ids["attempts"]) == summary["rollouts"]
    assert summary["mean_reward"]["value"] < 0.05
    assert any("solve these problems" in sentence for sentence in summary["words"])


def test_a_job_submitted_to_a_token_protected_head_ends_with_the_jobs_own_exit_status(
    tmp_path: Path, head: LocalHead
) -> None:
    config = small_config(tmp_path / "config.yaml", str(tmp_path), "submitted")
    missing = ["--set", "problems.source=jsonl", "--set", f"problems.path={tmp_path}/missing.jsonl"]
    command = [sys.executable, "jobs/submit.py", "--address", head.dashboard, "--", "jobs/generate_pairs.py"]
    done = subprocess.run(
        [*command, "--config", str(config), "--json", *missing],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stdout[-2000:] + done.stderr[-2000:]
    assert "missing.jsonl" in done.stdout
    assert not (tmp_path / "submitted").exists()
