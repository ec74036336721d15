"""Faults beside the driver: a replica that dies, problems beyond the models, a submission that cannot run."""

import os
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
from tests.drills.conftest import REAL_SETS, Ran
from tests.drills.drivers import ROOT, small_config

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]  # the first test waits for all runs of the driver


def test_a_replica_killed_in_the_middle_costs_no_row(lasting_runs: dict[str, Ran]) -> None:
    ran = lasting_runs["replica"]
    assert ran.summary["failures"] == {}
    stage: Stage[Rollout] = Run(Store.at(ran.summary["run"])).stage("rollouts", Rollout)
    sealed = stage.manifest()
    assert sealed is not None
    rows = [row for shard in range(len(sealed.shards)) for row in stage.records(shard)]
    assert max(row.usage.attempts for row in rows) > 1, "what the dead replica owed was asked for again"
    assert min(row.usage.attempts for row in rows) == 1, "and nothing else was"
    there = ran.ids()
    assert len(there["rollouts"]) == len(there["attempts"]) == ran.summary["rollouts"]


@pytest.mark.parametrize("name", REAL_SETS)
def test_problems_that_the_models_cannot_solve_end_in_words_and_not_in_an_error(
    name: str, shared_data: Callable[[str], Path], lasting_runs: dict[str, Ran]
) -> None:
    shared_data(f"data/{name}")
    summary, there = lasting_runs[name].summary, lasting_runs[name].ids()
    assert summary["problems"] == REAL_SETS[name]
    assert summary["trajectories"] == len(there["trajectories"]) == 2 * REAL_SETS[name]
    assert sum(summary["verdicts"].values()) == summary["rollouts"]
    assert len(there["rollouts"]) == len(there["verdicts"]) == len(there["attempts"]) == summary["rollouts"]
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
