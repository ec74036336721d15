"""A lineage leads back to problem, templates, prompts, sampling and models, and reads little to do so."""

import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from reasonflux.errors import BadInput
from reasonflux.identity import digest, seed_of
from reasonflux.inputs import open_input
from reasonflux.pairs.run_stages import RECORDS
from reasonflux.records import Verdict
from reasonflux.rounds import finding
from reasonflux.rounds.finding import SEARCHED, Place
from reasonflux.rounds.lineage import Lineage, explain
from reasonflux.storage.run import Run
from reasonflux.storage.store import Store
from tests.unit.rounds.small_run import NAMES, PLANNER, SOLVER, SmallRun, make_run, write_checkpoint


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def small(root: Path) -> SmallRun:
    return make_run(root)


@pytest.fixture(scope="module")
def place(root: Path, small: SmallRun) -> Place:
    return Place.at(str(root))


def kinds(found: Lineage) -> list[str]:
    return sorted(node.kind for node in found.nodes.values())


def test_a_navigator_pair_leads_to_both_plans_their_rewards_and_the_problem(place: Place, small: SmallRun) -> None:
    pair = small.pair
    found = explain(place, pair.id)
    top = next(iter(found.nodes.values()))
    assert (top.id, top.kind, top.facts["margin"]) == (pair.id, "navigator pair", pair.margin)
    assert top.sources == (("chosen", pair.chosen_id), ("rejected", pair.rejected_id))
    chosen, rejected = found.nodes[pair.chosen_id], found.nodes[pair.rejected_id]
    assert chosen.facts["reward"]["reward"] - rejected.facts["reward"]["reward"] == pytest.approx(pair.margin)
    assert chosen.facts["templates"][0]["written"] in NAMES
    assert chosen.facts["seed"] == seed_of(digest("navigator", pair.problem_id, 0, chosen.facts["index"]))
    assert chosen.facts["sampling"]["max_tokens"] == 96
    assert chosen.facts["prompt"][0]["role"] in ("system", "user")
    run = small.run.store.uri
    assert chosen.sources == (("for", pair.problem_id), ("in", run), ("written by", PLANNER))
    problem = found.nodes[pair.problem_id]
    assert problem.facts["text"] in chosen.facts["prompt"][-1]["content"]
    assert problem.facts["similar"]["provider"] == "self"
    assert dict(found.nodes[run].sources) == {"navigator": PLANNER, "reasoner": SOLVER}
    assert found.nodes[run].facts["library"] == pair.library


def test_a_reasoner_pair_leads_over_two_rollouts_to_one_plan(place: Place, small: SmallRun) -> None:
    pair = small.reasoner_pair
    found = explain(place, pair.id)
    verdicts = [found.nodes[side].facts["verdict"] for side in (pair.chosen_id, pair.rejected_id)]
    assert verdicts == [Verdict.CORRECT, Verdict.WRONG]
    assert kinds(found) == ["checkpoint"] * 2 + ["problem", "reasoner pair", "rollout", "rollout", "run", "trajectory"]
    for side in (pair.chosen_id, pair.rejected_id):
        assert ("under", pair.trajectory_id) in found.nodes[side].sources
        assert ("written by", SOLVER) in found.nodes[side].sources


def test_rollouts_trajectories_and_problems_have_lineages_of_their_own(place: Place, small: SmallRun) -> None:
    rollout, trajectory = small.rollouts[0], small.trajectories[0]
    of_rollout = explain(place, rollout.id)
    assert of_rollout.nodes[rollout.id].facts["text"] == rollout.text
    assert rollout.trajectory_id in of_rollout.nodes
    assert kinds(explain(place, trajectory.id)) == ["checkpoint", "checkpoint", "problem", "run", "trajectory"]
    assert next(iter(explain(place, trajectory.problem_id).nodes.values())).kind == "problem"


def test_a_checkpoint_leads_over_its_pairs_and_parents_to_the_runs(small: SmallRun, tmp_path: Path) -> None:
    run = str(shutil.copytree(small.run.store.uri, tmp_path / "round0"))
    data, child, grandchild = "d4" * 16, "c3" * 16, "e5" * 16
    parent = {"source": "testbed:navigator", "digest": PLANNER}
    pairs = {"source": f"runs/round0/dataset/{data}/navigator", "digest": "of a part", "rows": 7}
    write_checkpoint(tmp_path / "model", digest=child, parent=parent, data=pairs, recipe={"stage": "dpo"})
    again = {"replayed": [f"runs/round0/dataset/{data}"]}
    parent, pairs = {"source": "model", "digest": child}, {"source": "elsewhere", "digest": "unknown"}
    write_checkpoint(tmp_path / "deep" / "er" / "model", digest=grandchild, parent=parent, data=pairs, recipe=again)
    (tmp_path / "deep" / "er" / "gate.json").write_text('{"promoted": true}')
    write_checkpoint(tmp_path / "not-ours", of="something else")
    asked = Run.open(tmp_path, "asked", "name: asked\n")
    asked.store.put("gate.json", b"{}")
    asked.finish({"candidate": {"digest": child, "model": "model"}, "promoted": False, "reason": "undecided"})
    place = Place.at(str(tmp_path))
    assert set(place.checkpoints) == {child, grandchild}
    found = explain(place, grandchild)
    assert list(found.nodes)[:2] == [grandchild, child]
    assert found.nodes[grandchild].facts["gate"] == {"promoted": True}
    assert "gate" not in found.nodes[child].facts
    assert found.nodes[child].facts["gates asked alone"] == {asked.store.uri: "its parent stays: undecided"}
    assert found.nodes[child].facts["recipe"] == {"stage": "dpo"}
    assert found.nodes[child].sources == (("parent", PLANNER), ("pairs of", run))
    assert ("pairs of", run) in found.nodes[grandchild].sources, "pairs that were trained on again count as well"
    assert found.nodes[PLANNER].facts["answered as"] == {run: ["navigator"]}
    assert PLANNER in explain(place, PLANNER).nodes, "a model without a manifest, which a run used, is known"


def test_a_run_that_is_not_finished_has_lineages_of_what_is_sealed(small: SmallRun, tmp_path: Path) -> None:
    run = Path(shutil.copytree(small.run.store.uri, tmp_path / "unfinished"))
    (run / "manifest.json").unlink()
    (run / "stage=verdicts" / "shard=00001" / "manifest.json").unlink()
    found = explain(Place.at(str(run)), small.rollouts[0].id)
    assert "verdict" not in found.nodes[small.rollouts[0].id].facts
    assert ("written by", SOLVER) in found.nodes[small.rollouts[0].id].sources


def test_an_unknown_id_and_an_unknown_place_are_one_line(place: Place, root: Path) -> None:
    with pytest.raises(BadInput, match=f"no pair, .* {'0' * 32} in the 1 runs below {root}"):
        explain(place, "0" * 32)
    with pytest.raises(BadInput, match="there is no"):
        Place.at(str(root / "nowhere"))


def test_an_id_is_found_by_the_id_columns_and_only_its_own_shard_is_read(
    place: Place, small: SmallRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is opened stands in a manifest; what is read of other shards are ids."""
    opened: list[str] = []
    read: list[str] = []

    class File(pq.ParquetFile):
        def read(self, columns: list[str]) -> Any:
            assert columns == ["id"]
            return super().read(columns=columns)

    def watched_open(uri: str, setting: str) -> Any:
        opened.append(uri)
        return open_input(uri, setting)

    def watched_get(self: Store, paths: list[str]) -> dict[str, bytes]:
        read.extend(paths)
        return get_many(self, paths)

    (Path(small.run.store.uri) / "stage=draws" / "shard=00000" / "part-left-over.parquet").write_bytes(b"torn")
    get_many = Store.get_many
    with monkeypatch.context() as watched:
        watched.setattr(pq, "ParquetFile", File)
        watched.setattr(finding, "open_input", watched_open)
        found = place.find(small.pair.id)
    assert found is not None and (found.stage, found.shard) == ("navigator_pairs", 1)
    assert not any("left-over" in uri or "rollouts" in uri for uri in opened)
    monkeypatch.setattr(Store, "get_many", watched_get)
    explain(place, small.pair.id)
    assert read and all("/shard=00001/" in path for path in read)


def test_every_stage_that_is_searched_is_one_of_the_main_job() -> None:
    assert SEARCHED.items() <= RECORDS.items()
