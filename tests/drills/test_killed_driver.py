"""A run whose driver is killed in three stages ends as an undisturbed one does, and does no work twice."""

from pathlib import Path

import pytest

from tests.drills.drivers import Driver, ids_of, small_config, wait_for_parts

pytestmark = pytest.mark.slow

ENGINE_STAGES = {"navigator": "trajectories", "reasoner": "rollouts"}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, head) -> tuple[str, dict[str, list[str]], dict]:
    """A run that nobody disturbs: its root, its ids and its summary."""
    root = str(tmp_path_factory.mktemp("undisturbed"))
    config = small_config(Path(root) / "config.yaml", root, "undisturbed")
    status, summary, err = Driver.start(config).finish()
    assert status == 0, err[-3000:]
    return root, ids_of(root, "undisturbed"), summary


def test_a_run_killed_in_three_stages_has_the_ids_of_an_undisturbed_one(undisturbed, tmp_path, head):
    _, expected, _ = undisturbed
    root, config = tmp_path, small_config(tmp_path / "config.yaml", str(tmp_path), "killed")
    run = root / "killed"
    for stage in ("trajectories", "rollouts", "verdicts"):
        driver = Driver.start(config)
        wait_for_parts(run, stage, 1, driver)
        driver.kill()
    committed = {role: _committed(run, stage) for role, stage in ENGINE_STAGES.items()}
    assert all(committed.values())
    status, summary, err = Driver.start(config).finish()
    assert status == 0, err[-3000:]
    assert ids_of(str(root), "killed") == expected
    assert summary["pairs"]["navigator"] > 0


def test_work_committed_before_a_kill_is_not_done_again(undisturbed, tmp_path, head, engine_requests):
    _, expected, _ = undisturbed
    config = small_config(tmp_path / "config.yaml", str(tmp_path), "resumed")
    driver = Driver.start(config)
    wait_for_parts(tmp_path / "resumed", "rollouts", 8, driver)
    driver.kill()
    before = engine_requests("resumed", "reasoner")
    done = _committed(tmp_path / "resumed", "rollouts")
    status, summary, err = Driver.start(config, "--json").finish()
    assert status == 0, err[-3000:]
    assert before >= done > 0
    assert summary["execution"]["rows"]["rollouts"] == len(expected["rollouts"]) - done


def test_a_finished_run_makes_no_engine_call(undisturbed, head):
    root, expected, first = undisturbed
    config = Path(root) / "config.yaml"
    status, again, err = Driver.start(config).finish()
    assert status == 0, err[-3000:]
    assert again["execution"]["rows"] == {}
    assert again["execution"]["engines"] == []
    assert ids_of(root, "undisturbed") == expected
    assert again["pairs"] == first["pairs"]


def _committed(run: Path, stage: str) -> int:
    import pyarrow.parquet as pq

    return sum(pq.read_metadata(part).num_rows for part in (run / f"stage={stage}").glob("shard=*/part-*.parquet"))
