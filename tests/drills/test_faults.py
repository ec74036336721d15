"""Faults beside the driver: a replica that dies, a second driver, another config, places that are not this machine."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from datasets import load_dataset

from reasonflux.distributed.local_head import LocalHead
from reasonflux.records import Rollout
from reasonflux.storage.run import Run
from reasonflux.storage.stage import Stage
from reasonflux.storage.store import Store
from tests.conftest import S3Server
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


def test_a_second_driver_refuses_and_names_the_holder(tmp_path: Path, head: LocalHead) -> None:
    config = small_config(tmp_path / "config.yaml", str(tmp_path), "leased")
    first = Driver.start(config)
    wait_for_parts(tmp_path / "leased", "draws", 0, first)
    while not list((tmp_path / "leased").glob("lease/*.json")):
        assert first.process.poll() is None
    status, _, err = Driver.start(config).finish()
    assert status == 3
    (line,) = [line for line in err.splitlines() if line.startswith("error:")]
    assert f"process {first.process.pid} on " in line
    assert "generate_pairs.py" in line
    status, _, err = first.finish()
    assert status == 0, err[-3000:]


def test_the_whole_run_on_s3_and_its_data_set_read_by_strangers(
    tmp_path: Path, head: LocalHead, s3_server: S3Server
) -> None:
    root = f"{s3_server.new_bucket()}/runs"
    config = small_config(tmp_path / "config.yaml", root, "on-s3")
    status, summary, err = Driver.start(config).finish()
    assert status == 0, err[-3000:]
    assert summary["run"] == f"{root}/on-s3"
    ids = ids_of(root, "on-s3")
    assert len(ids["rollouts"]) == summary["rollouts"] > 0
    files = f"{summary['dataset']}/navigator/*.parquet"
    rows = load_dataset(
        "parquet", data_files=files, split="train", storage_options={"endpoint_url": s3_server.endpoint}
    )
    assert rows.num_rows == summary["navigator_pairs"]["pairs"] > 0
    assert rows[0]["prompt"][0]["role"] == "user"


@pytest.mark.parametrize("name", ["math500.jsonl", "math_train.jsonl"])
def test_problems_that_the_models_cannot_solve_end_in_words_and_not_in_an_error(
    name: str, tmp_path: Path, head: LocalHead, shared_data: Callable[[str], Path]
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
            "limit": 500,
            "fields": {"text": "problem", "gold": "answer"},
        },
        similar={"provider": "nearest", "count": 2},
        sampling={"trajectories": 2, "rollouts_own": 1, "rollouts_similar": 1},
        stream={"shard_problems": 64, "rows_per_part": 64, "calls_in_flight": 4},
    )
    status, summary, err = Driver.start(config).finish(600)
    assert status == 0, err[-3000:]
    assert summary["problems"] == 500
    assert summary["trajectories"] == 1000
    assert sum(summary["verdicts"].values()) == summary["rollouts"]
    ids = ids_of(str(tmp_path), run)
    assert len(ids["trajectories"]) == 1000
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
