"""What a job is told when it is submitted: absolute paths, and an exit status that comes back."""

import io
import json
import re
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from reasonflux.clusters import load_cluster
from reasonflux.config import PairsJob
from reasonflux.configuring import load_config
from reasonflux.distributed import submitting
from reasonflux.distributed.local_head import ROOT
from reasonflux.distributed.places import local_places, shared_places
from reasonflux.distributed.submitting import absolute_paths, submit
from reasonflux.errors import BadInput

JOB = "jobs/generate_pairs.py"
ENGINE = {"model": "models/small", "device": "cpu"}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with inputs in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models" / "small").mkdir(parents=True)
    (tmp_path / "prompts").mkdir()
    for name in ("set.jsonl", "library.json"):
        (tmp_path / name).write_text("")
    return tmp_path


def write(path: Path, **settings: Any) -> str:
    config: dict[str, Any] = {
        "name": "submitted",
        "problems": {"source": "jsonl", "path": "set.jsonl"},
        "navigator": ENGINE,
        "reasoner": "navigator",
    }
    path.write_text(yaml.safe_dump(config | settings), encoding="utf-8")
    return str(path)


def test_a_training_is_submitted_with_absolute_paths_too(here: Path) -> None:
    (here / "pairs").mkdir()
    values = {"name": "t", "stage": "dpo", "role": "navigator", "base": "models/small", "data": "pairs", "dpo": {}}
    (here / "train.yaml").write_text(yaml.safe_dump(values | {"learning_rate": 1e-4, "output_root": "runs"}))
    given = settings(absolute_paths(["jobs/train.py", "--config", str(here / "train.yaml")]))
    assert given == {
        name: f"{here}/{value}"
        for name, value in (("output_root", "runs"), ("base", "models/small"), ("data", "pairs"))
    }


def test_a_deployment_is_submitted_with_absolute_paths_too(here: Path) -> None:
    config = here / "serve.yaml"
    config.write_text((ROOT / "cluster/serve/testbed.yaml").read_text())
    changes = ("applications.1.args.model=models/small", "applications.2.args.library=library.json")
    given = absolute_paths(["jobs/deploy.py", "--config", str(config), "--set", changes[0], "--set", changes[1]])
    assert settings(given) == {
        "applications.1.args.model": f"{here}/models/small",
        "applications.2.args.library": f"{here}/library.json",
    }


def settings(arguments: list[str]) -> dict[str, str]:
    assert arguments[::2] == ["--set"] * (len(arguments) // 2)
    return dict(argument.split("=", 1) for argument in arguments[1::2])


def test_relative_paths_become_absolute_and_the_job_reads_them_back(here: Path) -> None:
    config = write(
        here / "job.yaml",
        library="library.json",
        prompts="prompts",
        output={"root": "runs", "dataset": "../published"},
    )
    given = absolute_paths([JOB, "--config", config])
    assert settings(given) == {
        "output.root": f"{here}/runs",
        "output.dataset": f"{here}/../published",
        "problems.path": f"{here}/set.jsonl",
        "library": f"{here}/library.json",
        "prompts": f"{here}/prompts",
        "navigator.model": f"{here}/models/small",
        "reasoner": "navigator",
    }
    job = load_config(PairsJob, config, given[1::2])
    assert (job.output.root, job.navigator.model, job.reasoner) == (
        f"{here}/runs",
        f"{here}/models/small",
        "navigator",
    )


def test_uris_hub_ids_and_names_stay_as_they_are(here: Path) -> None:
    (here / "testbed").mkdir()  # the library of that name is the project's
    config = write(
        here / "job.yaml",
        problems={"source": "hub", "path": "owner/set"},
        navigator=ENGINE | {"model": "Qwen/Qwen2.5-32B-Instruct"},
        reasoner=ENGINE | {"model": "testbed:reasoner"},
        output={"root": "s3://bucket/runs"},
    )
    assert absolute_paths([JOB, "--config", config]) == []


def test_a_reasoner_like_the_navigator_stays_one_engine(here: Path) -> None:
    config = write(here / "job.yaml", reasoner=ENGINE)
    given = absolute_paths([JOB, "--config", config])
    assert load_config(PairsJob, config, given[1::2]).reasoner == "navigator"


def test_a_reasoner_of_its_own_gets_a_path_of_its_own(here: Path) -> None:
    config = write(here / "job.yaml", reasoner=ENGINE | {"max_num_seqs": 8})
    given = settings(absolute_paths([JOB, "--config", config]))
    assert given["reasoner.model"] == f"{here}/models/small"
    assert "reasoner" not in given


def test_overrides_count_and_a_home_directory_is_found(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(here / "home"))
    config = write(here / "job.yaml", output={"root": "s3://bucket/runs"})
    given = settings(absolute_paths([JOB, "--config", config, "--json", "--set", "output.root=~/runs"]))
    assert given["output.root"] == f"{here}/home/runs"


def test_a_relative_config_is_found_from_the_projects_root(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(here / "job.yaml", output={"root": "s3://bucket/runs"})
    assert absolute_paths([JOB, "--config", "job.yaml"])[:2] == ["--config", f"{here}/job.yaml"]
    monkeypatch.chdir(ROOT)
    own = "jobs/configs/testbed.yaml"
    assert "--config" not in absolute_paths([JOB, "--config", own])
    monkeypatch.chdir(ROOT / "jobs")
    assert absolute_paths([JOB, "--config", "configs/testbed.yaml"])[:2] == ["--config", own]


def test_jobs_without_a_config_are_left_alone(here: Path) -> None:
    assert absolute_paths([JOB]) == []
    assert absolute_paths(["jobs/other.py", "--config", "any.yaml"]) == []


def test_a_wrong_config_is_refused_before_it_is_submitted(here: Path) -> None:
    with pytest.raises(BadInput, match="there is no config file"):
        absolute_paths([JOB, "--config", "none.yaml"])


def test_nodes_share_what_they_read_and_write_but_not_what_travels(here: Path) -> None:
    config = write(here / "job.yaml", library="library.json", prompts="prompts", output={"dataset": "published"})
    job = load_config(PairsJob, config)
    assert set(local_places(job)) - set(shared_places(job)) == {"library", "prompts", "output.dataset"}
    assert shared_places(job) == {
        "output.root": "runs",
        "problems.path": "set.jsonl",
        "navigator.model": "models/small",
    }


@pytest.mark.parametrize(("told", "status"), [({"driver_exit_code": 2}, 2), ({"driver_exit_code": 0}, 0), ({}, 1)])
def test_the_exit_status_is_the_jobs_own(monkeypatch: pytest.MonkeyPatch, told: dict[str, int], status: int) -> None:
    commands: list[list[str]] = []

    def follow(command: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
        assert "RAY_ADDRESS" not in options["env"]
        commands.append(command)
        return subprocess.CompletedProcess(command, 1)

    monkeypatch.setenv("RAY_ADDRESS", "another:6379")
    monkeypatch.setattr(subprocess, "run", follow)
    monkeypatch.setattr(submitting, "_job", lambda address, submission: told)
    assert submit("http://head:8265", [JOB, "--config", "a.yaml"]) == status
    assert commands[0][-4:] == ["python", JOB, "--config", "a.yaml"]
    assert f"--working-dir={ROOT}" in commands[0]
    submit("http://127.0.0.1:8265", [JOB], packed=False)
    assert not [part for part in commands[1] if "working-dir" in part]


def test_a_described_cluster_is_told_its_price_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "canary")
    variables = submitting.variables_for(load_cluster("a100-8"))
    command = submitting.submit_command("http://head:8265", "name", [JOB, "--plan"], variables)
    assert command[3:7] == ["job", "submit", "--address=http://head:8265", "--submission-id=name"]
    (environment,) = [part for part in command if part.startswith("--runtime-env-json=")]
    assert json.loads(environment.split("=", 1)[1])["env_vars"]["REASONFLUX_DOLLARS_PER_HOUR"] == "29"
    assert "canary" not in " ".join(command)


@pytest.mark.parametrize(
    ("address", "mode", "token", "told"),
    [
        ("http://10.1.2.3:8265", "disabled", "", "asks for no token. Start every node with RAY_AUTH_MODE=token"),
        ("http://127.0.0.1:8265", "disabled", "", ""),
        ("http://10.1.2.3:8265", "token", "secret", ""),
        ("http://10.1.2.3:8265", "token", "", "asks for a token. export RAY_AUTH_MODE=token"),
    ],
)
def test_an_open_head_is_refused_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch, address: str, mode: str, token: str, told: str
) -> None:
    answer = io.BytesIO(json.dumps({"authentication_mode": mode}).encode())
    monkeypatch.setattr(urllib.request, "urlopen", lambda url, timeout: answer)
    monkeypatch.delenv("RAY_AUTH_TOKEN_PATH", raising=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN", token)
    if not told:
        submitting.check_head(address)
        return
    with pytest.raises(BadInput, match=re.escape(told)):
        submitting.check_head(address)


def test_a_head_that_is_not_there_is_bad_input() -> None:
    with pytest.raises(BadInput, match=r"no Ray of this version answers at http://127\.0\.0\.1:9"):
        submitting.check_head("http://127.0.0.1:9")


def test_credentials_in_a_uri_are_not_handed_to_ray(here: Path) -> None:
    config = write(here / "job.yaml", output={"root": "s3://key:canary@bucket/runs"})
    with pytest.raises(BadInput, match="holds credentials") as caught:
        absolute_paths([JOB, "--config", config])
    assert "canary" not in str(caught.value)


def test_paths_of_the_library_job_become_absolute_too(here: Path) -> None:
    config = here / "library.yaml"
    given = {"name": "lib", "problems": {"source": "jsonl", "path": "set.jsonl"}, "proposer": ENGINE}
    config.write_text(yaml.safe_dump(given))
    assert settings(absolute_paths(["jobs/build_library.py", "--config", str(config)])) == {
        "output.root": f"{here}/runs",
        "problems.path": f"{here}/set.jsonl",
        "proposer.model": f"{here}/models/small",
    }
