"""A run whose driver is killed in three stages ends as an undisturbed one does, and does no work twice.

The undisturbed one lies on S3, the killed ones on a disk: where a run lies changes no id.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from datasets import load_dataset

from reasonflux.distributed.local_head import LocalHead
from reasonflux.storage.store import Store
from tests.conftest import S3Server
from tests.drills.drivers import PART_ROWS, Driver, ids_of, small_config, wait_for_parts

pytestmark = pytest.mark.slow

CALLS_IN_FLIGHT = 2  # of `small_config`


@pytest.fixture(scope="module")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory, head: LocalHead, s3_server_process: S3Server
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The config of a run on S3 that nobody disturbs, and its summary."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3_server_process.env.items():
            patch.setenv(name, value)
        root = f"{s3_server_process.new_bucket()}/runs"
        config = small_config(tmp_path_factory.mktemp("undisturbed") / "config.yaml", root, "undisturbed")
        status, summary, err = Driver.start(config).finish()
        assert status == 0, err[-3000:]
        assert summary["run"] == f"{root}/undisturbed"
        yield config, summary


def ids(summary: dict[str, Any]) -> dict[str, list[str]]:
    root, _, name = summary["run"].rpartition("/")
    return ids_of(root, name)


def test_a_run_on_s3_is_whole_and_strangers_read_its_data_set(
    undisturbed: tuple[Path, dict[str, Any]], s3_server: S3Server
) -> None:
    _, summary = undisturbed
    assert len(ids(summary)["rollouts"]) == summary["rollouts"] > 0
    files = f"{summary['dataset']}/navigator/*.parquet"
    rows = load_dataset(
        "parquet", data_files=files, split="train", storage_options={"endpoint_url": s3_server.endpoint}
    )
    assert rows.num_rows == summary["navigator_pairs"]["pairs"] > 0
    assert rows[0]["prompt"][0]["role"] == "user"


def test_a_run_killed_in_three_stages_has_the_ids_of_an_undisturbed_one_and_a_second_driver_is_refused(
    undisturbed: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    config, run = small_config(tmp_path / "config.yaml", str(tmp_path), "killed"), tmp_path / "killed"
    for stage in ("trajectories", "rollouts", "verdicts"):
        driver = Driver.start(config)
        if stage == "trajectories":
            refused(config, run, driver)
        wait_for_parts(run, stage, 1, driver)
        driver.kill()
    status, summary, err = Driver.start(config).finish()
    assert status == 0, err[-3000:]
    assert ids(summary) == ids(undisturbed[1])
    assert summary["rollouts"] == undisturbed[1]["rollouts"]
    assert sum(summary["verdicts"].values()) == summary["rollouts"]


def refused(config: Path, run: Path, first: Driver) -> None:
    """A second driver of a run, started while the engines of the first one start, ends with a line that names it."""
    while not list(run.glob("lease/*.json")):
        assert first.process.poll() is None, "the first driver ended"
        time.sleep(0.05)
    status, _, err = Driver.start(config).finish()
    assert status == 3
    (line,) = [line for line in err.splitlines() if line.startswith("error:")]
    assert f"process {first.process.pid} on " in line
    assert "generate_pairs.py" in line


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
    config, first = undisturbed
    before = ids(first)
    status, again, err = Driver.start(config).finish()
    assert status == 0, err[-3000:]
    assert Store.at(again["run"]).read("report.html").startswith(b"<!DOCTYPE html>")
    assert again["execution"]["rows"] == {}
    assert again["execution"]["engines"] == {}
    assert again["output_tokens"] == 0
    assert ids(again) == before
    assert again["navigator_pairs"] == first["navigator_pairs"]
    assert again["dataset"] == first["dataset"]


def committed_rows(run: Path, stage: str) -> int:
    """Rows in the parts of a stage, sealed or not."""
    return sum(pq.read_metadata(part).num_rows for part in (run / f"stage={stage}").glob("shard=*/part-*.parquet"))
