"""A run directory as the main job leaves it, made by its own functions over a scripted model: no Ray, no engine."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reasonflux.config import (
    EngineSpec,
    PairConfig,
    PairsJob,
    ProblemSource,
    SamplingConfig,
    SimilarConfig,
    StreamConfig,
)
from reasonflux.configuring import dump_config
from reasonflux.distributed import stages
from reasonflux.distributed.stages import Bound
from reasonflux.library.load import load_library
from reasonflux.pairs.run_stages import RECORDS
from reasonflux.protocols import Request
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.records import GradedRollout, Pair, Rollout, Trajectory, Verdict
from reasonflux.storage.fence import Fence
from reasonflux.storage.run import Run
from tests.scripted import ScriptedGenerate

PLANNER, SOLVER = "a1" * 16, "b2" * 16  # digests of checkpoints
NAMES = ("Complete the square", "Guess", "Count the cases")


@dataclass(frozen=True)
class SmallRun:
    """Where the run is, and some ids of it."""

    run: Run
    pair: Pair
    reasoner_pair: Pair
    trajectories: list[Trajectory]
    rollouts: list[Rollout]


def config_of(root: Path) -> PairsJob:
    return PairsJob(
        name="small",
        problems=ProblemSource(source="testbed", split="training", count=6),
        similar=SimilarConfig(provider="self", count=1),
        navigator=EngineSpec(model="planner"),
        reasoner=EngineSpec(model="solver"),
        sampling=SamplingConfig(trajectories=3, rollouts_own=4),
        pairs=PairConfig(margin=0.25),
        stream=StreamConfig(shard_problems=2),
        output={"root": str(root)},
    )


def make_run(root: Path) -> SmallRun:
    """Three shards of two problems; every third plan is good."""
    config = config_of(root)
    run = Run.open(root, config.name, dump_config(config))
    bound = Bound(
        config=config,
        run=run,
        fence=Fence(run.store, 0),
        prompts=PromptSet.load("plain"),
        library=load_library("testbed"),
        navigator=PLANNER,
        reasoner=SOLVER,
    )
    asyncio.run(_fill(bound, stages.ingest(bound)))
    shard = 1
    pairs, answers = (run.stage(f"{role}_pairs", Pair).records(shard) for role in ("navigator", "reasoner"))
    run.finish(
        {
            "name": config.name,
            "checkpoints": {"navigator": PLANNER, "reasoner": SOLVER},
            "library": bound.library.digest,
            "summary": {"dataset": f"{run.store.uri}/dataset/{'d4' * 16}"},
        }
    )
    return SmallRun(
        run=run,
        pair=pairs[0],
        reasoner_pair=answers[0],
        trajectories=run.stage("trajectories", Trajectory).records(shard),
        rollouts=run.stage("rollouts", Rollout).records(shard),
    )


async def _fill(bound: Bound, shards: int) -> None:
    bound.stage("problems").finish(shards, {})
    index = stages.build_similar_index(bound, shards)
    planner = stages.NavigatorWorker(bound, ScriptedGenerate(_plan, checkpoint=PLANNER))
    solver = stages.ReasonerWorker(bound, ScriptedGenerate(_solve, checkpoint=SOLVER))
    for shard in range(shards):
        stages.expand_problems(bound, index, shard)
        bound.write("trajectories", shard, await planner(bound.read("draws", shard)))
        stages.expand_trajectories(bound, shard)
        rollouts = await solver(bound.read("attempts", shard))
        bound.write("rollouts", shard, rollouts)
        bound.write("verdicts", shard, [_grade(rollout) for rollout in rollouts])
        stages.reward_and_pair(bound, shard)
    for name in RECORDS:
        if name != "problems":
            bound.stage(name).finish(shards, {})


def _plan(request: Request) -> str:
    assert request.seed is not None
    return f"1. {NAMES[request.seed % 3]}\n2. Check [the] result"


def _solve(request: Request) -> str:
    """Right in one of four cases; under the first plan, in three."""
    assert request.seed is not None
    good = NAMES[0] in request.messages[-1].content
    return f"steps {request.seed}\nso {'right' if request.seed % 4 < (3 if good else 1) else 'wrong'}"


def _grade(rollout: Rollout) -> GradedRollout:
    return GradedRollout(
        id=rollout.id,
        trajectory_id=rollout.trajectory_id,
        multiplicity=rollout.multiplicity,
        anchor_id=rollout.anchor_id,
        problem_id=rollout.problem_id,
        index=rollout.index,
        verdict=Verdict.CORRECT if rollout.text.endswith("right") else Verdict.WRONG,
        answer=rollout.text.rpartition(" ")[2],
        gold=rollout.gold,
        seconds=0.0,
        failure=None,
    )


def write_checkpoint(directory: Path, **manifest: Any) -> None:
    """A checkpoint directory as training leaves it, without its weights."""
    directory.mkdir(parents=True)
    (directory / "model.safetensors").write_bytes(b"")
    (directory / "manifest.json").write_text(json.dumps(manifest))
