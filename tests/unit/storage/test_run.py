"""Runs: tied to one config, finished once."""

import pickle
from pathlib import Path

import pytest

from reasonflux.errors import BadInput, StorageError
from reasonflux.records import Rollout
from reasonflux.storage.run import Run
from reasonflux.storage.store import Store
from tests.unit.storage.helpers import rollout

CONFIG = "name: first\nsampling:\n  trajectories: 8\n  rollouts_own: 4\n"


def test_a_run_is_opened_again_with_its_own_config(store: Store) -> None:
    run = Run.open(store.uri, "first", CONFIG)
    assert run == Run.open(store.uri, "first", CONFIG)
    assert run.store.uri == f"{store.uri}/first"
    assert run.store.read("config.yaml").decode() == CONFIG


def test_another_config_is_refused_with_the_difference(store: Store) -> None:
    Run.open(store.uri, "first", CONFIG)
    with pytest.raises(BadInput) as caught:
        Run.open(store.uri, "first", CONFIG.replace("8", "16"))
    first, *rest = str(caught.value).splitlines()
    assert first.endswith("first belongs to another config. Give this run another name, or run the old config:")
    assert "-  trajectories: 8" in rest
    assert "+  trajectories: 16" in rest
    assert "name: first" not in "\n".join(rest), "what is equal is not shown"


def test_a_run_that_is_only_looked_at_is_not_begun(store: Store) -> None:
    assert Run.at(store.uri, "first", CONFIG).manifest() is None
    assert store.list() == []
    Run.open(store.uri, "first", CONFIG)
    assert Run.at(store.uri, "first", CONFIG) == Run.open(store.uri, "first", CONFIG)
    with pytest.raises(BadInput, match="belongs to another config"):
        Run.at(store.uri, "first", CONFIG.replace("8", "16"))


def test_a_long_difference_is_cut(tmp_path: Path) -> None:
    Run.open(tmp_path, "first", "\n".join(f"a{index}: 1" for index in range(100)))
    with pytest.raises(BadInput, match=r"… and 1[0-9]{2} lines more") as caught:
        Run.open(tmp_path, "first", "\n".join(f"a{index}: 2" for index in range(100)))
    assert len(str(caught.value).splitlines()) < 25


@pytest.mark.parametrize("name", ["", ".", "..", "../other", "a/b", ".hidden", "a b"])
def test_a_name_that_is_no_directory_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="a run cannot be called"):
        Run.open(tmp_path, name, CONFIG)
    assert list(tmp_path.iterdir()) == []


def test_stages_lie_in_the_run_directory(tmp_path: Path) -> None:
    run = pickle.loads(pickle.dumps(Run.open(tmp_path, "first", CONFIG)))
    run.stage("rollouts", Rollout).commit(12, [rollout("a1")])
    assert len(list(tmp_path.glob("first/stage=rollouts/shard=00012/part-*.parquet"))) == 1


def test_metrics_are_replaced_and_the_manifest_is_not(store: Store) -> None:
    run = Run.open(store.uri, "first", CONFIG)
    run.write_metrics({"pairs": 1})
    run.write_metrics({"pairs": 2, "place": "Zürich"})
    assert '"Zürich"' in run.store.read("metrics.json").decode()
    assert run.manifest() is None
    run.finish({"stages": {"rollouts": "ab"}})
    run.finish({"stages": {"rollouts": "ab"}})
    with pytest.raises(StorageError, match="finished with another manifest"):
        run.finish({"stages": {"rollouts": "cd"}})
    assert run.manifest() == {"stages": {"rollouts": "ab"}}
