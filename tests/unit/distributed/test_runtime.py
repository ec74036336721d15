"""Which Ray a job joins, and which paths it may use there."""

from typing import Any

import pytest
import ray

from reasonflux.distributed import runtime
from reasonflux.distributed.runtime import check_guarded, check_root, check_shared, connect
from reasonflux.errors import BadInput

IN_JOB = "RAY_JOB_CONFIG_JSON_ENV_VAR"
SHARED = "REASONFLUX_SHARED_PATHS"


@pytest.fixture(autouse=True)
def _outside_of_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (IN_JOB, SHARED, "RAY_ADDRESS"):
        monkeypatch.delenv(name, raising=False)


def cluster(monkeypatch: pytest.MonkeyPatch, *alive: bool) -> None:
    monkeypatch.setattr(ray, "nodes", lambda: [{"Alive": each} for each in alive])


@pytest.mark.parametrize("place", ["runs", "./runs", "../runs"])
def test_a_relative_output_is_refused_in_a_submitted_job_alone(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    check_root("output.root", place)
    monkeypatch.setenv(IN_JOB, "{}")
    with pytest.raises(BadInput, match=r"output\.root .* is relative.*--set output\.root=/path/to/"):
        check_root("output.root", place)


@pytest.mark.parametrize("place", ["/data/runs", "~/runs", "s3://bucket/runs", "", None])
def test_an_absolute_output_is_taken_in_a_submitted_job(monkeypatch: pytest.MonkeyPatch, place: str | None) -> None:
    monkeypatch.setenv(IN_JOB, "{}")
    check_root("output.root", place)


def test_local_paths_are_refused_where_several_nodes_live(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster(monkeypatch, True, True, False, True)
    with pytest.raises(BadInput) as caught:
        check_shared({"output.root": "/data/runs", "problems.path": "/data/set.jsonl"})
    told = "the cluster has 3 nodes, and output.root /data/runs and problems.path /data/set.jsonl are local paths. "
    assert str(caught.value).startswith(told)
    assert SHARED in caught.value.remedy


def test_paths_that_every_node_sees_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    places = {"output.root": "/data/runs"}
    cluster(monkeypatch, True, True)
    check_shared({})
    monkeypatch.setenv(SHARED, "1")
    check_shared(places)
    monkeypatch.delenv(SHARED)
    cluster(monkeypatch, True, False)  # a node that is gone writes nowhere
    check_shared(places)


@pytest.mark.parametrize(
    ("environment", "address"),
    [({}, "local"), ({IN_JOB: "{}"}, "auto"), ({"RAY_ADDRESS": "127.0.0.1:6379"}, "auto")],
)
def test_a_job_joins_the_cluster_that_it_was_given_to_and_else_starts_its_own(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], address: str
) -> None:
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", lambda **options: asked.append(options))
    monkeypatch.setattr(runtime, "check_guarded", lambda: None)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    connect()
    (options,) = asked
    assert options["address"] == address
    assert ("num_cpus" in options) is (address == "local")  # a cluster knows its own


def test_a_ray_that_is_connected_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "is_initialized", lambda: True)
    monkeypatch.setattr(ray, "init", lambda **options: pytest.fail("connected twice"))
    connect()


@pytest.mark.parametrize(
    ("address", "guarded", "refused"),
    [("10.0.0.7", False, True), ("10.0.0.7", True, False), ("127.0.0.1", False, False), ("ray-head", False, True)],
)
def test_a_cluster_that_others_reach_is_refused_without_a_token(
    monkeypatch: pytest.MonkeyPatch, address: str, guarded: bool, refused: bool
) -> None:
    left: list[str] = []
    monkeypatch.setattr(ray, "nodes", lambda: [{"Alive": True, "NodeManagerAddress": address}])
    monkeypatch.setattr(ray, "shutdown", lambda: left.append("left"))
    monkeypatch.setattr(runtime, "is_token_auth_enabled", lambda: guarded)
    if not refused:
        check_guarded()
        return
    with pytest.raises(BadInput, match=f"{address} can be reached from other machines") as caught:
        check_guarded()
    assert "RAY_AUTH_MODE=token" in caught.value.remedy and left == ["left"]
