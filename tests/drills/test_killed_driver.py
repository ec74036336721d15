"""A run whose driver is killed in three stages ends as an undisturbed one does, and does no work twice.

The undisturbed one lies on S3, the killed ones on a disk: where a run lies changes no id.
"""

import time
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest
import s3fs
from datasets import load_dataset

from benchmarks.performance.latency_model import Lengths, Speed
from benchmarks.performance.scripted_engine import write_empty_checkpoint
from benchmarks.performance.sleeping_engine import TimedScript
from reasonflux.distributed.local_head import LocalHead
from reasonflux.distributed.pipeline import STRAGGLING
from reasonflux.storage.store import Store
from tests.conftest import S3Server
from tests.drills.conftest import Ran
from tests.drills.drivers import PART_ROWS, Driver, small_config, wait_for_parts
from tests.written import leaked

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]  # the first test waits for all runs of `lasting_runs`

CALLS_IN_FLIGHT = 2  # of `small_config`
SCRIPT = TimedScript(  # a rollout takes a third of a second, and a few take two
    speed=Speed(step_s=0.02, sequence_s=0.0, prompt_tokens_per_s=1e6, places=64),
    plan=Lengths(median=5, sigma=0.5, most=20),
    solution=Lengths(median=15, sigma=0.8, most=100),
)


@pytest.fixture
def undisturbed(lasting_runs: dict[str, Ran], s3_server: S3Server) -> Ran:
    """A run on S3 that nobody disturbed."""
    return lasting_runs["undisturbed"]


def test_a_run_on_s3_is_whole_holds_no_secret_and_strangers_read_its_data_set(
    undisturbed: Ran, s3_server: S3Server, tmp_path: Path
) -> None:
    summary = undisturbed.summary
    assert summary["run"].startswith("s3://")
    assert len(undisturbed.ids()["rollouts"]) == summary["rollouts"] > 0
    files = f"{summary['dataset']}/navigator/*.parquet"
    rows = load_dataset(
        "parquet", data_files=files, split="train", storage_options={"endpoint_url": s3_server.endpoint}
    )
    assert rows.num_rows == summary["navigator_pairs"]["pairs"] > 0
    assert rows[0]["prompt"][0]["role"] == "user"
    s3fs.S3FileSystem().get(summary["run"], str(tmp_path / "run"), recursive=True)
    assert (tmp_path / "run" / "manifest.json").exists()
    assert leaked(tmp_path) == [], "the key of the store, which the job was given, stands in what it wrote"


def test_a_run_killed_in_three_stages_has_the_ids_of_an_undisturbed_one_and_a_second_driver_is_refused(
    undisturbed: Ran, tmp_path: Path
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
    assert Ran(config, summary).ids() == undisturbed.ids()
    assert summary["rollouts"] == undisturbed.summary["rollouts"]
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


def test_work_committed_before_a_kill_is_not_done_again(head: LocalHead, tmp_path: Path) -> None:
    model = {"model": str(write_empty_checkpoint(tmp_path / "model"))}
    config = small_config(tmp_path / "config.yaml", str(tmp_path), "resumed", navigator=model, reasoner="navigator")
    words = ("-m", "tests.drills.scripted_driver", str(config), SCRIPT.model_dump_json())
    driver = Driver.of(*words)
    wait_for_parts(tmp_path / "resumed", "rollouts", 8, driver)
    clients = [each for each in psutil.process_iter(["cmdline"]) if _is_client(each)]
    assert clients
    driver.kill()
    assert psutil.wait_procs(clients, timeout=60)[1] == [], "they commit until Ray ends them, a moment after the driver"
    committed = committed_rows(tmp_path / "resumed", "rollouts")
    (summary,) = Driver.of(*words).outcomes()
    rollouts = summary["rollouts"]
    assert 0 < committed < rollouts
    assert summary["execution"]["rows"]["rollouts"] == rollouts - committed
    # The engine outlives the driver, so that it has counted the calls of both. What the first had begun and not
    # committed is asked for again: lists in flight, and those that waited for their longest answers.
    (served,) = summary["execution"]["engines"].values()
    asked = served["requests"] - summary["trajectories"]
    assert rollouts <= asked <= rollouts + STRAGGLING * CALLS_IN_FLIGHT * PART_ROWS


def test_a_finished_run_makes_no_engine_call(undisturbed: Ran) -> None:
    before, first = undisturbed.ids(), undisturbed.summary
    status, again, err = Driver.start(undisturbed.config).finish()
    assert status == 0, err[-3000:]
    assert Store.at(again["run"]).read("report.html").startswith(b"<!DOCTYPE html>")
    assert again["execution"]["rows"] == {}
    assert again["execution"]["engines"] == {}
    assert again["output_tokens"] == 0
    assert undisturbed.ids() == before
    assert again["navigator_pairs"] == first["navigator_pairs"]
    assert again["dataset"] == first["dataset"]


def _is_client(process: psutil.Process) -> bool:
    """Whether a process is an actor of a stage that calls engines."""
    return (process.info["cmdline"] or [""])[0].startswith("ray::MapWorker")


def committed_rows(run: Path, stage: str) -> int:
    """Rows in the parts of a stage, sealed or not."""
    return sum(pq.read_metadata(part).num_rows for part in (run / f"stage={stage}").glob("shard=*/part-*.parquet"))
