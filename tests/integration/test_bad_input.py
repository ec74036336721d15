"""The main job refuses what it cannot work with: exit status 2 and one line, before Ray or an engine starts."""

import importlib.util
import inspect
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import ray
import yaml
from ray import serve

from reasonflux.config import PairsJob
from reasonflux.configuring import dump_config, load_config
from reasonflux.distributed import runtime
from reasonflux.distributed.job import run_job
from reasonflux.storage.run import Run
from reasonflux.storage.store import Store
from tests.conftest import S3Server
from tests.models import write_model

ROOT = Path(__file__).parents[2]
JOB = ROOT / "jobs" / "generate_pairs.py"
ROWS = [{"id": f"id {number}", "problem": f"What is {number} + 1?", "answer": str(number + 1)} for number in range(6)]
PROCESS_DEADLINE_S = 30.0
STAGES = ["problems", "similar", "draws", "trajectories", "attempts", "rollouts", "verdicts", "rewards"]


@dataclass(frozen=True)
class Ended:
    """How a job ended, and what it said."""

    status: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The one line of an error."""
        (line,) = self.err.splitlines()
        return line


@dataclass(frozen=True)
class Place:
    """A directory with all that a job needs, each part of which a test may spoil."""

    path: Path

    @property
    def config(self) -> Path:
        return self.path / "job.yaml"

    @property
    def problems(self) -> Path:
        return self.path / "set.jsonl"

    @property
    def root(self) -> Path:
        return self.path / "runs"

    def write_problems(self, rows: list[dict[str, Any]]) -> None:
        self.problems.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path)
    place.write_problems(ROWS)
    write_model(tmp_path / "model")
    config = {
        "name": "refused",
        "problems": {"source": "jsonl", "path": str(place.problems)},
        "similar": {"provider": "nearest", "count": 2},
        "navigator": {"model": str(tmp_path / "model"), "device": "cpu"},
        "reasoner": "navigator",
        "output": {"root": str(place.root)},
    }
    place.config.write_text(yaml.safe_dump(config), encoding="utf-8")
    return place


Job = Callable[..., Ended]


@pytest.fixture
def job(place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Job:
    """Runs the job in this process, where starting Ray or Serve fails the test; arguments are overrides and flags."""

    def started(*arguments: object, **options: object) -> None:
        raise AssertionError("Ray was started")

    monkeypatch.setattr(ray, "init", started)
    monkeypatch.setattr(serve, "start", started)
    monkeypatch.setattr(serve, "run_many", started)
    spec = importlib.util.spec_from_file_location("generate_pairs_job", JOB)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def run(*arguments: str, config: Path | None = None) -> Ended:
        given = [part for each in arguments for part in ([each] if each.startswith("--") else ["--set", each])]
        monkeypatch.setattr(sys, "argv", [str(JOB), "--config", str(config or place.config), *given])
        status = run_job(module.main)
        assert not ray.is_initialized()
        captured = capsys.readouterr()
        return Ended(status, captured.out, captured.err)

    return run


def no_safetensors(place: Place) -> None:
    (place.path / "model" / "model.safetensors").rename(place.path / "model" / "pytorch_model.bin")


def no_reasoner_prompt(place: Place) -> None:
    (place.path / "prompts").mkdir()
    (place.path / "prompts" / "navigator.jinja").write_text("{{ problem.text }}")


def unknown_variable(place: Place) -> None:
    no_reasoner_prompt(place)
    (place.path / "prompts" / "reasoner.jinja").write_text("{{ question }}")


def empty_golds(place: Place) -> None:
    place.write_problems([row | ({"answer": ""} if number in (1, 3) else {}) for number, row in enumerate(ROWS)])


def double_ids(place: Place) -> None:
    place.write_problems([*ROWS, ROWS[2] | {"problem": "Another one?"}])


def some_families(place: Place) -> None:
    place.write_problems([row | {"kind": "sum" if number else None} for number, row in enumerate(ROWS)])


def cut_off(place: Place) -> None:
    (place.path / "set.jsonl.gz").write_bytes(b"\x1f\x8b\x08\x00")


def nothing(place: Place) -> None:
    pass


@pytest.mark.parametrize(
    ("spoil", "overrides", "told"),
    [
        (nothing, ["problems.path={place}/none.jsonl"], r"there is no {place}/none.jsonl\. Check problems.path"),
        (cut_off, ["problems.path={place}/set.jsonl.gz"], r"set.jsonl.gz cannot be read to its end: .*problems.path"),
        (
            nothing,
            ["problems.fields.text=question"],
            r"has no column 'question'; it has 'answer', 'id', 'problem'\. Set problems.fields.text to one of them",
        ),
        (empty_golds, [], r"no gold answer in rows 2, 4\. Set problems.skip_empty_gold"),
        (double_ids, ["problems.fields.id=id"], r"the same id or text in rows 3 and 7\. Set problems.skip_duplicates"),
        (
            some_families,
            ["problems.fields.family=kind", "similar.provider=family"],
            r"no family in row 1\. Set similar.provider to nearest",
        ),
        (nothing, ["similar.provider=family"], r"set has no family column\. Set similar.provider to nearest"),
        (nothing, ["library={place}/none.json"], r"there is no {place}/none.json\. Check library"),
        (
            nothing,
            ["library_version='9.9'"],
            r"unknown template library version 9.9: testbed is version \S+\. Set library_version to that",
        ),
        (no_safetensors, [], r"has only pickled weights \(pytorch_model.bin\)\. Save it with safetensors"),
        (nothing, ["navigator.model={place}/none"], r"no model at {place}/none\. Name a directory"),
        (nothing, ["navigator.digest=abc"], r"has digest \w+, the config expects abc\. Correct one of them"),
        (nothing, ["output.root={place}/set.jsonl"], r"cannot write to {place}/set.jsonl.*a directory, not a file"),
        (nothing, ["output.dataset={place}/set.jsonl/out"], r"cannot write to .*Name a directory, not a file"),
        (nothing, ["output.root=s3:///runs"], r"s3:///runs names no bucket\. Use s3://bucket/prefix"),
        (nothing, ["sampling.trajectory=8"], r"trajectory: unknown key; did you mean sampling.trajectories\?"),
        (nothing, ["sampling"], r"--set sampling: not of the form key=value\. Write it like"),
        (nothing, ["sampling.trajectories=none"], r"sampling.trajectories: got 'none'; should be a valid integer"),
        (nothing, ["--sett"], r"unrecognized arguments: --sett\. See --help"),
        (
            nothing,
            ["sampling.reasoner.extra.min_pp=0.1"],
            r"reasoner: sampling.extra.min_pp is no parameter of vLLM\. Did you mean min_p\?",
        ),
        (nothing, ["navigator.engine_args.blok_size=32"], r"engine_args.blok_size .*Did you mean block_size\?"),
        (no_reasoner_prompt, ["prompts={place}/prompts"], r"has no reasoner.jinja\. Add it; there are: navigator"),
        (unknown_variable, ["prompts={place}/prompts"], r"reasoner.jinja cannot be rendered: 'question' is undef"),
    ],
)
def test_bad_input_ends_in_one_line_before_anything_starts(
    place: Place, job: Job, spoil: Callable[[Place], None], overrides: list[str], told: str
) -> None:
    spoil(place)
    ended = job(*(override.replace("{place}", str(place.path)) for override in overrides))
    assert ended.status == 2
    assert re.search(told.replace("{place}", re.escape(str(place.path))), ended.line)
    assert ended.line.startswith("error: ")
    assert ended.out == ""
    assert not (place.root / "refused").exists()


def test_several_mistakes_of_a_config_are_counted_in_the_first_line_and_listed_below(job: Job) -> None:
    ended = job("seed=x", "round=-1", "similar.provder=self")
    first, *mistakes = ended.err.splitlines()
    assert ended.status == 2
    assert first.endswith("job.yaml: 3 mistakes. Mend them:")
    assert sorted(line.split(":")[0].strip() for line in mistakes) == ["round", "seed", "similar.provder"]


def test_a_wrong_bucket_is_named_with_what_to_do(job: Job, s3_server: S3Server) -> None:
    ended = job("output.root=s3://no-such-bucket/runs")
    assert ended.status == 2
    assert re.search(r"cannot write to s3://no-such-bucket/runs.*NoSuchBucket.*Create the bucket", ended.line)


def test_a_silent_endpoint_costs_the_probes_deadline(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    assert inspect.signature(Store.probe).parameters["deadline_s"].default == 10.0
    monkeypatch.setattr(Store.probe, "__defaults__", (0.5,))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        ended = job("output.root=s3://bucket/runs")
    assert ended.status == 2
    assert re.search(r"s3://bucket/runs at \S+ did not answer within 0.5 s\. Check the network", ended.line)


def test_a_run_of_another_config_is_refused_with_the_difference(place: Place, job: Job) -> None:
    Run.open(place.root, "refused", dump_config(load_config(PairsJob, place.config)))
    ended = job("seed=7", "problems.limit=3")
    first, *difference = ended.err.splitlines()
    assert ended.status == 2
    assert first.startswith(f"error: {place.root}/refused belongs to another config. Give this run another name")
    assert {"-seed: 0", "+seed: 7", "-  limit: null", "+  limit: 3"} <= set(difference)
    assert not any(line.startswith(("-name", "+name")) for line in difference)


def test_local_paths_on_several_nodes_are_refused_before_an_engine_starts(
    place: Place, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "connect", lambda: None)
    monkeypatch.setattr(ray, "nodes", lambda: [{"Alive": True}, {"Alive": True}, {"Alive": False}])
    ended = job()
    assert ended.status == 2
    assert "the cluster has 2 nodes, and output.root" in ended.line
    assert f"problems.path {place.problems}" in ended.line
    assert "REASONFLUX_SHARED_PATHS=1" in ended.line


@pytest.mark.parametrize("setting", ["output.root", "output.dataset"])
def test_a_relative_output_inside_a_submitted_job_is_refused(
    job: Job, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}")
    ended = job(f"{setting}=runs")
    assert ended.status == 2
    assert f"{setting} 'runs' is relative" in ended.line
    assert f"--set {setting}=/path/to/runs" in ended.line


def test_what_the_config_alone_tells_comes_before_the_data_and_that_before_a_write(place: Place, job: Job) -> None:
    absent = "problems.path=none.jsonl"
    assert "min_pp" in job(absent, "sampling.navigator.extra.min_pp=1").line
    assert "none.jsonl" in job(absent, "output.root=s3:///runs", "navigator.digest=abc").line
    assert "names no bucket" in job("output.root=s3:///runs", "navigator.digest=abc").line
    assert not place.root.exists()


def test_a_plan_leaves_nothing_behind(place: Place, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place.path)
    before = sorted(place.path.rglob("*"))
    ended = job("--plan", "output.root=runs/deep", "output.dataset=published")
    assert ended.status == 0
    assert sorted(place.path.rglob("*")) == before
    assert "navigator_pairs" in ended.out
    assert "1 replica(s) × 1 CPU; 10 bytes, read where they lie" in ended.out


def test_a_plan_refuses_what_the_job_would_refuse(place: Place, job: Job) -> None:
    empty_golds(place)
    assert "no gold answer in rows 2, 4" in job("--plan").line


def test_a_plan_for_machines_is_one_line_of_json(job: Job) -> None:
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


def process(place: Path, *arguments: str) -> Ended:
    """The job as a user starts it. Ray would leave the directory of its session in `place`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment |= {"PYTHONPATH": str(ROOT), "RAY_TMPDIR": str(place), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, str(JOB), *arguments],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PROCESS_DEADLINE_S,
    )
    assert not (place / "ray").exists(), "Ray was started"
    return Ended(done.returncode, done.stdout, done.stderr)


def test_a_process_with_an_unknown_key_ends_with_one_line(place: Place) -> None:
    ended = process(place.path, "--config", str(place.config), "--set", "similar.provder=self")
    assert (ended.status, ended.out) == (2, "")
    assert ended.line == f"error: {place.config}: similar.provder: unknown key; did you mean similar.provider?"


def test_a_process_on_the_run_of_another_config_starts_no_ray(place: Place) -> None:
    Run.open(place.root, "refused", dump_config(load_config(PairsJob, place.config)))
    ended = process(place.path, "--config", str(place.config), "--set", "seed=7")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith("error: ")
    assert {"-seed: 0", "+seed: 7"} <= set(ended.err.splitlines())


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
