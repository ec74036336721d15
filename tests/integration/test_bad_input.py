"""The main job refuses what it cannot work with: exit status 2 and one line, before Ray or an engine starts."""

import inspect
import re
import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import ray

from reasonflux.config import PairsJob
from reasonflux.configuring import dump_config, load_config
from reasonflux.distributed import runtime
from reasonflux.storage.probe import probe
from reasonflux.storage.run import Run
from tests.conftest import S3Server
from tests.main_job import JOB, ROOT, ROWS, HereJob, Place, process


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place.at(tmp_path)


@pytest.fixture
def job(place: Place, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> HereJob:
    return HereJob(place, monkeypatch, capfd)


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
        (
            nothing,
            ["output.root={place}/set.jsonl"],
            r"cannot write to {place}/set.jsonl.*Name a directory, not a file",
        ),
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
        (
            nothing,
            ["navigator.engine_args.blok_size=32"],
            r"navigator: engine_args.blok_size .*Did you mean block_size\?",
        ),
        (
            no_reasoner_prompt,
            ["prompts={place}/prompts"],
            r"the prompt set has no reasoner.jinja\. It has: navigator",
        ),
        (
            unknown_variable,
            ["prompts={place}/prompts"],
            r"reasoner.jinja cannot be rendered: 'question' is undefined\.",
        ),
    ],
)
def test_bad_input_ends_in_one_line_before_anything_starts(
    place: Place, job: HereJob, spoil: Callable[[Place], None], overrides: list[str], told: str
) -> None:
    spoil(place)
    ended = job(*(override.replace("{place}", str(place.path)) for override in overrides))
    assert ended.status == 2
    assert re.search(told.replace("{place}", re.escape(str(place.path))), ended.line)
    assert ended.line.startswith("error: ")
    assert ended.out == ""
    assert not (place.root / "small").exists()


def test_several_mistakes_of_a_config_are_counted_in_the_first_line_and_listed_below(job: HereJob) -> None:
    ended = job("seed=x", "round=-1", "similar.provder=self")
    first, *mistakes = ended.err.splitlines()
    assert ended.status == 2
    assert first.endswith("job.yaml: 3 mistakes. Mend them:")
    assert sorted(line.split(":")[0].strip() for line in mistakes) == ["round", "seed", "similar.provder"]


def test_a_wrong_bucket_is_named_with_what_to_do(job: HereJob, s3_server: S3Server) -> None:
    ended = job("output.root=s3://no-such-bucket/runs")
    assert ended.status == 2
    assert re.search(r"cannot write to s3://no-such-bucket/runs.*NoSuchBucket.*Create the bucket", ended.line)


def test_a_silent_endpoint_costs_the_probes_deadline(job: HereJob, monkeypatch: pytest.MonkeyPatch) -> None:
    assert inspect.signature(probe).parameters["deadline_s"].default == 10.0
    monkeypatch.setattr(probe, "__defaults__", (0.5,))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        ended = job("output.root=s3://bucket/runs")
    assert ended.status == 2
    assert re.search(r"s3://bucket/runs at \S+ did not answer within 0.5 s\. Check the network", ended.line)


def test_a_run_of_another_config_is_refused_with_the_difference(place: Place, job: HereJob) -> None:
    Run.open(place.root, "small", dump_config(load_config(PairsJob, place.config)))
    ended = job("seed=7", "problems.limit=3")
    first, *difference = ended.err.splitlines()
    assert ended.status == 2
    assert first.startswith(f"error: {place.root}/small belongs to another config. Give this run another name")
    assert {"-seed: 0", "+seed: 7", "-  limit: null", "+  limit: 3"} <= set(difference)
    assert not any(line.startswith(("-name", "+name")) for line in difference)


def test_local_paths_on_several_nodes_are_refused_before_an_engine_starts(
    place: Place, job: HereJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "connect", lambda: None)
    monkeypatch.setattr(ray, "nodes", lambda: [{"Alive": True}, {"Alive": True}, {"Alive": False}])
    ended = job()
    assert ended.status == 2
    assert "the cluster has 2 nodes, and output.root" in ended.line
    assert f"problems.path {place.problems}" in ended.line
    assert "REASONFLUX_SHARED_PATHS=1" in ended.line
    assert not (place.root / "small").exists(), "what is mended in the config may keep its name"


@pytest.mark.parametrize("setting", ["output.root", "output.dataset"])
def test_a_relative_output_inside_a_submitted_job_is_refused(
    job: HereJob, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}")
    ended = job(f"{setting}=runs")
    assert ended.status == 2
    assert f"{setting} 'runs' is relative" in ended.line
    assert f"--set {setting}=/path/to/runs" in ended.line


def test_what_the_config_alone_tells_comes_before_the_data_and_that_before_a_write(place: Place, job: HereJob) -> None:
    absent = "problems.path=none.jsonl"
    assert "min_pp" in job(absent, "sampling.navigator.extra.min_pp=1").line
    assert "none.jsonl" in job(absent, "output.root=s3:///runs", "navigator.digest=abc").line
    assert "names no bucket" in job("output.root=s3:///runs", "navigator.digest=abc").line
    assert not place.root.exists()


def test_a_process_with_an_unknown_key_ends_with_one_line(place: Place) -> None:
    ended = process(place.path, "--config", str(place.config), "--set", "similar.provder=self")
    assert (ended.status, ended.out) == (2, "")
    assert ended.line == f"error: {place.config}: similar.provder: unknown key; did you mean similar.provider?"


def test_a_process_on_the_run_of_another_config_starts_no_ray(place: Place) -> None:
    Run.open(place.root, "small", dump_config(load_config(PairsJob, place.config)))
    ended = process(place.path, "--config", str(place.config), "--set", "seed=7")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith("error: ")
    assert {"-seed: 0", "+seed: 7"} <= set(ended.err.splitlines())


def test_a_model_out_of_reach_is_told_where_a_plan_would_pass_it_over(place: Place) -> None:
    ended = process(place.path, "--config", str(place.config), "--set", "navigator.model=owner/name")
    assert (ended.status, ended.out) == (2, "")
    assert re.search(r"model hf://owner/name cannot be read: .*Check its name and your access$", ended.line)
    assert not (place.root / "small").exists()


def test_a_wrong_config_is_not_submitted(place: Place) -> None:
    arguments = ("--", str(JOB), "--config", str(place.config), "--set", "similar.provder=self")
    ended = process(place.path, *arguments, script=ROOT / "jobs" / "submit.py")
    assert (ended.status, ended.out) == (2, "")
    assert ended.line.endswith("similar.provder: unknown key; did you mean similar.provider?")
