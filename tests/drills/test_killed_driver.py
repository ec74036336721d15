"""A run whose driver is killed in three stages ends as an undisturbed one does, and does no work twice."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from reasonflux.distributed.local_head import LocalHead
from tests.drills.drivers import PART_ROWS, Driver, ids_of, small_config, wait_for_parts

pytestmark = pytest.mark.slow

CALLS_IN_FLIGHT = 2  # of `small_config`


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, head: LocalHead) -> tuple[Path, dict[str, Any]]:
    """The root of a run that nobody disturbs, and its summary."""
    root = tmp_path_factory.mktemp("undisturbed")
    config = small_config(root / "config.yaml", str(root), "undisturbed")
    status, summary, err = Driver.start(config).finish()
    assert status == 0, err[-3000:]
    return root, summary


def test_a_run_killed_in_three_stages_has_the_ids_of_an_undisturbed_one(
    undisturbed: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    config, run = small_config(tmp_path / "config.yaml", str(tmp_path), "killed"), tmp_path / "killed"
    for stage in ("trajectories", "rollouts", "verdicts"):
        driver = Driver.start(config)
        wait_for_parts(run, stage, 1, driver)
        driver.kill()
    status, summary, err = Driver.start(config).finish()
    assert status == 0, err[-3000:]
    assert ids_of(str(tmp_path), "killed") == ids_of(str(undisturbed[0]), "undisturbed")
    assert summary["rollouts"] == undisturbed[1]["rollouts"]
    assert sum(summary["verdicts"].values()) == summary["rollouts"]
    assert (run / "report.html").read_bytes().startswith(b"<!DOCTYPE html>")


def test_work_committed_before_a_kill_is_not_done_again(
    undisturbed: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    config = small_config(tmp_path / "config.yaml", str(tmp_path), "resumed")
    driver = Driver.start(config)
    wait_for_parts(tmp_path / "resumed", "rollouts", 8, driver)
    driver.kill()
    committed = committed_rows(tmp_path / "resumed", "rollouts")
    status, summary, err = Driver.start(config).finish()
    assert status == 0, err[-3000:]
    rollouts = undisturbed[1]["rollouts"]
    assert 0 < committed < rollouts
    assert summary["execution"]["rows"]["rollouts"] == rollouts - committed
    # The engine outlives the driver, so that it has counted the calls of both.
    (served,) = [counts for name, counts in summary["execution"]["engines"].items() if "reasoner" in name]
    assert rollouts <= served["requests"] <= rollouts + CALLS_IN_FLIGHT * PART_ROWS


def test_a_finished_run_makes_no_engine_call(undisturbed: tuple[Path, dict[str, Any]]) -> None:
    root, first = undisturbed
    before = ids_of(str(root), "undisturbed")
    status, again, err = Driver.start(root / "config.yaml").finish()
    assert status == 0, err[-3000:]
    assert again["execution"]["rows"] == {}
    assert again["execution"]["engines"] == {}
    assert again["output_tokens"] == 0
    assert ids_of(str(root), "undisturbed") == before
    assert again["navigator_pairs"] == first["navigator_pairs"]
    assert again["dataset"] == first["dataset"]


def committed_rows(run: Path, stage: str) -> int:
    """Rows in the parts of a stage, sealed or not."""
    return sum(pq.read_metadata(part).num_rows for part in (run / f"stage={stage}").glob("shard=*/part-*.parquet"))
