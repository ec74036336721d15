"""The stages of the job that builds a library, without Ray: what is read, committed, sealed, merged and written."""

import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reasonflux.clusters import load_cluster
from reasonflux.config import EngineSpec, FieldNames, LibraryJob, OutputConfig, ProblemSource, StreamConfig
from reasonflux.distributed import library_building as building
from reasonflux.errors import BadInput, Incomplete
from reasonflux.library.load import load_library
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.storage.lease import Holder, Lease
from reasonflux.storage.run import Run
from tests.scripted import ScriptedGenerate
from tests.unit.library.test_extraction import draft


def job(path: Path, rows: int = 5, **changes: Any) -> LibraryJob:
    lines = [
        {"problem": f"Count the pens of box {n}.", "answer": "many", "solution": f"See {n}."}
        for n in range(3, 3 + rows)
    ]
    (path / "mine.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return LibraryJob(
        name="library",
        problems=ProblemSource(source="jsonl", path=str(path / "mine.jsonl"), fields=FieldNames(solution="solution")),
        proposer=EngineSpec(model="m", device="cpu"),
        stream=StreamConfig(shard_problems=2),
        output=OutputConfig(root=str(path / "runs")),
    )


@pytest.fixture
def bound(tmp_path: Path) -> Iterator[building.Bound]:
    config = job(tmp_path)
    run = Run.open(tmp_path / "runs", "library", "")
    prompts = PromptSet.load(building.PROMPTS)
    with Lease.acquire(run.store, Holder.current()) as lease:
        yield building.Bound(config=config, run=run, fence=lease.fence, prompts=prompts, proposer="c")


async def propose(bound: building.Bound, text: str) -> ScriptedGenerate:
    """Every shard through the worker, as the stream would do it."""
    generate = ScriptedGenerate(lambda request: text, checkpoint="c")
    worker = building.ExtractionWorker(bound, generate)
    shards = building._solved(bound)
    for shard in range(shards):
        bound.proposals.commit(shard, await worker(bound.solved.records(shard)))
        building._seal(bound, shard)
    bound.proposals.finish(shards, {})
    return generate


async def test_l6_a_library_and_its_report_lie_in_the_run_and_done_again_they_are_equal(bound: building.Bound) -> None:
    generate = await propose(bound, draft())
    assert building._solved(bound) == 3
    assert all("See " in request.messages[0].content and request.checkpoint == "c" for request in generate.requests)
    built = building._merge(bound, 3)
    assert built.counts == {"solved problems": 5, "merged into another": 4, "templates": 1}
    (one,) = load_library(built.path).templates
    assert one.origin is not None and len(one.origin.problems) == 5 and one.origin.source == "mine"
    written = bound.run.store.read(building.LIBRARY)
    assert building._merge(bound, 3) == built and bound.run.store.read(building.LIBRARY) == written
    assert json.loads(bound.run.store.read(building.REPORT)) == built.counts


async def test_a_library_of_nothing_is_an_error_that_says_why(bound: building.Bound) -> None:
    await propose(bound, "no")
    with pytest.raises(Incomplete, match='"refused: not in the schema": 5'):
        building._merge(bound, 3)
    assert bound.run.store.get(building.LIBRARY) is None


async def test_a_library_of_a_benchmark_says_so(bound: building.Bound) -> None:
    config = bound.config.model_copy(update={"allow_benchmark": True, "version": "1"})
    marked = building.Bound(**{**vars(bound), "config": config})
    await propose(marked, draft())
    assert building._merge(marked, 3).version == "1-of-a-benchmark"


def test_what_a_worker_needs_can_be_shipped(bound: building.Bound) -> None:
    assert pickle.loads(pickle.dumps(bound)) == bound


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"prompts": "/nowhere"}, "no prompt"),
        ({"problems": {"source": "testbed"}}, "names no solutions"),
    ],
)
def test_bad_input_is_found_before_ray_is_asked_for(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    config = LibraryJob.model_validate(job(tmp_path).model_dump() | changes)
    with pytest.raises(BadInput, match=told):
        building.build_library(config)
    assert not (tmp_path / "runs").exists()


def test_a_library_is_planned_and_placed_before_its_model_can_be_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "weights_of", lambda spec: None)  # the Hub is not asked
    config = job(tmp_path, rows=5)
    plan = building.plan_library(config, load_cluster("cpu-dev"))
    solved, proposals = plan.stages
    assert (solved.rows, proposals.rows, proposals.output_tokens) == (5, 5, 5 * config.sampling.max_tokens)
    assert proposals.prompt_tokens > 5 * 200  # the prompt itself among them
    assert plan.cluster is not None and [each.role for each in plan.cluster.engines] == ["proposer"]
    assert not (tmp_path / "runs").exists()
    large = config.model_copy(update={"proposer": EngineSpec(model="m", replicas=3)})
    with pytest.raises(BadInput, match="cpu-dev has no GPU"):
        building.plan_library(large, load_cluster("cpu-dev"))
