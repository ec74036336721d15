"""`--plan` says what would run, touches nothing, and needs no model that is elsewhere."""

import json
from pathlib import Path

import pytest

from tests.main_job import ROOT, ROWS, HereJob, Place, process

STAGES = ["problems", "similar", "draws", "trajectories", "attempts", "rollouts", "verdicts", "rewards"]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place.at(tmp_path)


@pytest.fixture
def job(place: Place, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> HereJob:
    return HereJob(place, monkeypatch, capfd)


def test_a_plan_leaves_nothing_behind(place: Place, job: HereJob, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place.path)
    before = sorted(place.path.rglob("*"))
    ended = job("--plan", "output.root=runs/deep", "output.dataset=published")
    assert ended.status == 0
    assert sorted(place.path.rglob("*")) == before
    assert "navigator_pairs" in ended.out
    assert "1 replica(s) × 1 CPU; 10 bytes, read where they lie" in ended.out


def test_a_plan_refuses_what_the_job_would_refuse(place: Place, job: HereJob) -> None:
    place.write_problems([*ROWS, {"problem": "And now?", "answer": ""}])
    assert "no gold answer in row 7" in job("--plan").line


def test_a_plan_for_machines_is_one_line_of_json(job: HereJob) -> None:
    ended = job("--plan", "--json", "problems.limit=4", "sampling.trajectories=3")
    assert (ended.status, len(ended.out.splitlines())) == (0, 1)
    plan = json.loads(ended.out)
    rows = {stage["name"]: stage["rows"] for stage in plan["stages"]}
    assert list(rows) == [*STAGES, "navigator_pairs", "reasoner_pairs"]
    assert (rows["problems"], rows["trajectories"], rows["rollouts"]) == (4, 12, 12 * 5)
    tokens = {stage["name"]: stage["output_tokens"] for stage in plan["stages"] if stage["engine"]}
    assert tokens == {"trajectories": 12 * 96, "rollouts": 60 * 128}
    (engine,) = plan["engines"].values()
    assert (engine["cpus"], engine["gpus"], engine["weights_bytes"]) == (1.0, 0, 10)


def test_a_cluster_job_is_planned_where_its_model_is_out_of_reach(place: Place) -> None:
    config = ROOT / "jobs" / "configs" / "a100_32b.yaml"
    overrides = [f"problems.path={place.problems}", "problems.fields.tags=null", "problems.fields.level=null"]
    arguments = [part for override in overrides for part in ("--set", override)]
    ended = process(place.path, "--config", str(config), *arguments, "--plan", "--json")
    assert ended.status == 0, ended.err
    assert ended.err == ""
    engine = json.loads(ended.out)["engines"]["navigator"]
    assert engine["weights_bytes"] is None
    assert (engine["gpus"], engine["min_replicas"], engine["max_replicas"]) == (4, 2, 8)


def test_a_plan_on_a_cluster_tells_places_and_refuses_what_cannot_fit(place: Place, job: HereJob) -> None:
    ended = job("--plan", "--cluster=cpu-dev")
    assert ended.status == 0, ended.err
    assert "navigator: 1 replica(s), each 1 CPU on one node; on eight cores#0" in ended.out
    refused = job("--plan", "--cluster=cpu-dev", "navigator.device=gpu")
    assert refused.status == 2
    assert "cpu-dev has no GPU" in refused.line
    assert "--cluster goes with --plan" in job("--cluster=cpu-dev").line
