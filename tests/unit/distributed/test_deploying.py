"""What a file becomes for Serve, and what is refused or planned without starting anything."""

import socket
from pathlib import Path
from typing import Any

import pytest

from reasonflux.clusters import load_cluster
from reasonflux.configuring import load_config
from reasonflux.distributed import deployment
from reasonflux.distributed.access import KEYS
from reasonflux.distributed.deploying import deploy, plan
from reasonflux.distributed.openai_server import completions_asked
from reasonflux.distributed.places import local_places
from reasonflux.errors import BadInput
from reasonflux.serving import DeployJob

SERVE = Path(__file__).parents[3] / "cluster" / "serve"
TESTBED = {"model": "testbed:navigator", "device": "cpu"}


def built(args: dict[str, Any]) -> Any:
    return deployment.engine(args)._bound_deployment


def config(*overrides: str, name: str = "testbed") -> DeployJob:
    return load_config(DeployJob, SERVE / f"{name}.yaml", overrides)


def test_limits_reach_serve_and_the_replica_still_sees_whom_it_refuses() -> None:
    limits = {"concurrent": 10, "queued": 3, "retry_after_s": 9, "drain_s": 300}
    engine = built(TESTBED | {"max_num_seqs": 8, "http": limits})
    assert engine.max_queued_requests == 3
    assert (engine.backpressure_config.status_code, engine.backpressure_config.retry_after_s) == (429, 9)
    assert engine._deployment_config.graceful_shutdown_timeout_s == 300
    assert engine.max_ongoing_requests > 10 + 8


@pytest.mark.parametrize(
    ("body", "completions"),
    [
        ({"messages": [], "n": 3}, 3),
        ({"messages": [], "n": None}, 1),
        ({"messages": [], "n": "3"}, 1),
        ({"prompt": "one"}, 1),
        ({"prompt": [1, 2, 3], "n": 2}, 2),
        ({"prompt": [], "n": 2}, 2),
        ({"prompt": ["one", "two"], "n": 4}, 8),
        ({"prompt": [[1, 2], [3]]}, 2),
        ([{"prompt": ["one", "two"]}], 1),
    ],
)
def test_completions_are_counted_as_they_would_run(body: Any, completions: int) -> None:
    assert completions_asked(body) == completions


def test_replicas_follow_the_requests_down_to_none() -> None:
    scale = {"min_replicas": 0, "max_replicas": 3, "target_sequences": 32, "downscale_delay_s": 120}
    for application in (built(TESTBED | {"autoscaling": scale}), deployment.solver({"autoscaling": scale})):
        given = getattr(application, "_bound_deployment", application)._deployment_config.autoscaling_config
        assert (given.min_replicas, given.max_replicas, given.target_ongoing_requests) == (0, 3, 32)
        assert (given.upscale_delay_s, given.downscale_delay_s, given.downscale_to_zero_delay_s) == (30, 120, None)


def test_another_checkpoint_keeps_the_version_and_other_limits_do_not() -> None:
    first, other = built(TESTBED), built(TESTBED | {"model": "testbed:reasoner"})
    assert first.version == other.version
    assert first.user_config != other.user_config
    assert built(TESTBED | {"http": {"concurrent": 10}}).version != first.version


def test_a_server_that_others_reach_is_not_started_without_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEYS, raising=False)
    monkeypatch.setattr("reasonflux.distributed.deploying.connect", lambda: pytest.fail("Ray was started"))
    with pytest.raises(BadInput, match=f'export {KEYS}="'):
        deploy(config("http_options.host=0.0.0.0"))


def test_a_port_that_is_taken_is_told_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reasonflux.distributed.deploying.connect", lambda: pytest.fail("Ray was started"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(BadInput, match=rf"127\.0\.0\.1:{port}: .*http_options\.port"):
            deploy(config(f"http_options.port={port}"))


def test_a_wrong_model_is_told_with_its_application(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reasonflux.distributed.deploying.connect", lambda: pytest.fail("Ray was started"))
    mended = config()
    wrong = mended.applications[1].model_copy(
        update={"args": mended.applications[1].args.model_copy(update={"model": "testbed:nobody"})}
    )
    with pytest.raises(BadInput, match="reasoner: the testbed has no model 'nobody'"):
        deploy(mended.model_copy(update={"applications": (mended.applications[0], wrong)}))


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("prompts=v9", "v9"),
        ("method={method: interplai}", "no method interplai"),
        ("method={method: interplay, round: 4}", "interplay has no setting round"),
        ("prompts=v2", "interplay needs .*which the prompt set lacks"),
        ("library=none.json", "none.json"),
        ("library=ftp://host/library.json", "ftp"),
    ],
)
def test_what_a_method_cannot_work_with_is_told_before_an_engine_starts(
    override: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reasonflux.distributed.deploying.connect", lambda: pytest.fail("Ray was started"))
    wrong = config(f"applications.2.args.{override}")
    for work in (plan, deploy):
        with pytest.raises(BadInput, match=f"reasonflux: .*{words}"):
            work(wrong)


def test_a_method_that_would_see_the_gold_answer_answers_nobody() -> None:
    with pytest.raises(BadInput, match="the gold answer, which nobody has here"):
        deployment.solver({"method": {"method": "best_of_n", "select": "oracle"}})


def test_local_files_of_every_application_are_named_by_their_setting(tmp_path: Path) -> None:
    for name in ("library.json", "model"):
        (tmp_path / name).write_text("{}")
    given = {"applications.0.args.model": "model", "applications.2.args.library": "library.json"}
    found = config(*[f"{setting}={tmp_path}/{name}" for setting, name in given.items()])
    assert local_places(found) == {setting: f"{tmp_path}/{name}" for setting, name in given.items()}


def test_a_plan_names_what_would_run_and_what_does_not_fit() -> None:
    planned = plan(config())
    assert "reasoner: " in "\n".join(planned.words()) and "http://127.0.0.1:8000/reasonflux/v1" in planned.words()[-1]
    assert planned.to_json()["urls"] == config().urls
    here = plan(config(), load_cluster("cpu-dev"))
    assert here.cluster is not None and {each.role for each in here.cluster.engines} == {"navigator", "reasoner"}
    with pytest.raises(BadInput, match="navigator"):
        plan(config("applications.0.args.replicas=64"), load_cluster("cpu-dev"))
