"""The main job's algorithms bound to shards: what one task or one worker does, given everything in a `Bound`.

Nothing here decides an order or waits; `pipeline.py` does. Every function reads sealed shards and writes one.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from reasonflux.config import EngineSpec, PairsJob
from reasonflux.distributed.engine_client import EngineClient
from reasonflux.distributed.engine_options import rows_in_flight
from reasonflux.distributed.receipts import told
from reasonflux.library.load import TemplateLibrary
from reasonflux.library.resolve import Resolver
from reasonflux.pairs.counts import ShardCounts
from reasonflux.pairs.navigator import navigator_pairs
from reasonflux.pairs.provenance import Provenance, Role
from reasonflux.pairs.reasoner import reasoner_pairs
from reasonflux.pairs.run_stages import RECORDS
from reasonflux.problems.similar import SimilarIndex
from reasonflux.problems.sources import read_problems
from reasonflux.protocols import Completion, Generate, Outcome, Request
from reasonflux.reasoning.navigator import expand_draws, plan
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.reasoning.reasoner import expand_attempts, roll_out
from reasonflux.records import (
    Attempt,
    Draw,
    GradedRollout,
    Rollout,
    Trajectory,
    Usage,
)
from reasonflux.rewards.grading import grade_rollouts
from reasonflux.rewards.trajectory_reward import trajectory_rewards
from reasonflux.rewards.verifier import Verifier
from reasonflux.rounds.scores import ProblemScore, problem_scores
from reasonflux.storage.lease import Fence
from reasonflux.storage.run import Run
from reasonflux.storage.stage import Stage
from reasonflux.testbed.given_plans import given_plan

STAGES: dict[str, type] = RECORDS | {"scores": ProblemScore}  # of the main job, and of a scoring run

ShardTask = Callable[[int], dict[str, Any]]  # shard number in, a small row for the driver out


@dataclass(frozen=True, kw_only=True)
class Bound:
    """What every task of a run needs; small, frozen and picklable."""

    config: PairsJob
    run: Run
    fence: Fence
    prompts: PromptSet
    library: TemplateLibrary
    navigator: str  # digest of the checkpoint
    reasoner: str

    @property
    def provenance(self) -> Provenance:
        """Which models, library and prompts the run's pairs come from."""
        return Provenance(
            navigator=self.navigator,
            reasoner=self.reasoner,
            library=self.library.digest,
            prompts=self.prompts.digest,
            round=self.config.round,
        )

    def stage(self, name: str) -> Stage:
        """A stage whose writes end when another driver takes the run over."""
        return self.run.stage(name, STAGES[name], self.fence)

    def read(self, name: str, shard: int) -> list[Any]:
        """The records of a sealed shard."""
        return self.stage(name).records(shard)

    def write(self, name: str, shard: int, rows: Sequence[Any]) -> int:
        """Writes and seals a shard that one task makes whole; returns its rows."""
        return self.stage(name).put_shard(shard, rows).rows


def ingest(bound: Bound) -> int:
    """Reads the problem set into shards; returns how many. Holds one shard's problems at a time."""
    shard, waiting = 0, []
    for problem in read_problems(bound.config.problems, bound.config.seed):
        waiting.append(problem)
        if len(waiting) == bound.config.stream.shard_problems:
            bound.write("problems", shard, waiting)
            shard, waiting = shard + 1, []
    if waiting:
        bound.write("problems", shard, waiting)
        shard += 1
    return shard


def build_similar_index(bound: Bound, shards: int) -> SimilarIndex:
    """The index over every problem of the run, out of the sealed shards."""
    pool = (problem for shard in range(shards) for problem in bound.read("problems", shard))
    return SimilarIndex(pool, bound.config.similar.provider, bound.config.seed)


def expand_problems(bound: Bound, index: SimilarIndex, shard: int) -> dict[str, Any]:
    """A shard's X_sim and its draws: problem × draw, the navigator's work items."""
    problems = bound.read("problems", shard)
    count = bound.config.similar.count
    bound.write("similar", shard, [index.similar(problem, count) for problem in problems])
    draws = expand_draws(problems, bound.config.sampling, bound.config.round, navigator_identity(bound))
    return told(shard, bound.write("draws", shard, draws))


def expand_trajectories(bound: Bound, shard: int) -> dict[str, Any]:
    """A shard's attempts: distinct trajectory × similar problem × sample, the reasoner's work items."""
    similar = {row.id: row for row in bound.read("similar", shard)}
    attempts = expand_attempts(
        bound.read("trajectories", shard), similar, bound.config.sampling, reasoner_identity(bound)
    )
    return told(shard, bound.write("attempts", shard, attempts))


def unless_sealed(bound: Bound, names: Sequence[str], task: ShardTask, shard: int) -> dict[str, Any]:
    """The task's row, or nothing to do where an execution before sealed all of the shard's outputs."""
    if all(bound.stage(name).sealed(shard) is not None for name in names):
        return told(shard, 0)
    return task(shard)


def seal(bound: Bound, source: str, target: str, shard: int) -> dict[str, Any]:
    """Seals a map stage's shard: expected − committed = ∅, where the source's ids are what is expected."""
    expected = bound.stage(source).read(shard, columns=["id"])["id"].to_pylist()
    inputs = bound.stage(source).sealed(shard)
    manifest = bound.stage(target).seal(shard, expected, {source: inputs.digest if inputs else ""})
    return told(shard, manifest.rows)


def reward_and_pair(bound: Bound, shard: int) -> dict[str, Any]:
    """A shard's rewards (Eq. 3) and the pairs that follow from them."""
    graded, trajectories = bound.read("verdicts", shard), bound.read("trajectories", shard)
    rewards = trajectory_rewards(graded)
    bound.write("rewards", shard, rewards)
    provenance = bound.provenance
    plans = navigator_pairs(trajectories, rewards, bound.config.pairs, provenance)
    rollouts = bound.read("rollouts", shard)
    answers = reasoner_pairs(rollouts, graded, rewards, bound.config.pairs, provenance)
    counts = ShardCounts.of(
        trajectories, rollouts, graded, rewards, {Role.NAVIGATOR: plans.report, Role.REASONER: answers.report}
    )
    purity = bound.stage("similar").read(shard, columns=["purity"])["purity"].drop_null().to_pylist()
    facts = {"counts": counts.to_json(), "purity": {"sum": sum(purity), "n": len(purity)}}
    bound.run.store.put(counts_path(shard), json.dumps(facts, sort_keys=True).encode())
    bound.write("navigator_pairs", shard, plans.pairs)
    bound.write("reasoner_pairs", shard, answers.pairs)
    pairs = {Role.NAVIGATOR.value: len(plans.pairs), Role.REASONER.value: len(answers.pairs)}
    means = [reward.reward for reward in rewards if reward.reward is not None]
    return told(shard, sum(pairs.values()), pairs=pairs, rewards={"n": len(means), "sum": sum(means)})


def reward_and_score(bound: Bound, shard: int) -> dict[str, Any]:
    """A shard's rewards (Eq. 3) and what they say of each problem."""
    rewards = trajectory_rewards(bound.read("verdicts", shard))
    bound.write("rewards", shard, rewards)
    scores = problem_scores(bound.read("problems", shard), bound.read("trajectories", shard), rewards)
    return told(shard, bound.write("scores", shard, scores))


def counts_path(shard: int) -> str:
    """Where a shard's counts lie in the run directory."""
    return f"counts/shard-{shard:05d}.json"


def navigator_identity(bound: Bound) -> dict[str, str]:
    """What determines a plan beside its problem and draw."""
    plans = bound.config.plans
    return {
        "role": "navigator",
        "checkpoint": bound.navigator if plans == "navigator" else f"{plans} plans",
        "prompts": bound.prompts.digest,
        "library": bound.library.digest,
    }


def reasoner_identity(bound: Bound) -> dict[str, str]:
    """What determines a rollout beside its trajectory, problem and sample."""
    return {"role": "reasoner", "checkpoint": bound.reasoner, "prompts": bound.prompts.digest}


class NavigatorWorker:
    """Plans for draws."""

    def __init__(self, bound: Bound, generate: Generate) -> None:
        self._bound, self._generate = bound, generate
        self._resolver = Resolver(bound.library)

    async def __call__(self, rows: list[Draw]) -> list[Trajectory]:
        bound = self._bound
        return await plan(
            rows, self._generate, bound.prompts, self._resolver, bound.config.sampling, checkpoint=bound.navigator
        )


class GivenPlansWorker:
    """The testbed's own plans for draws, in place of a navigator's."""

    def __init__(self, bound: Bound) -> None:
        self._bound, self._kind = bound, bound.config.plans
        self._resolver = Resolver(bound.library)

    async def __call__(self, rows: list[Draw]) -> list[Trajectory]:
        assert self._kind != "navigator"
        given = {draw.id: given_plan(draw.problem, self._kind, draw.index) for draw in rows}

        async def write(requests: Sequence[Request]) -> list[Completion]:
            written = partial(Completion, outcome=Outcome.STOPPED, usage=Usage())
            return [written(id=request.id, text=given[request.id]) for request in requests]

        return await plan(rows, write, self._bound.prompts, self._resolver, self._bound.config.sampling)


class ReasonerWorker:
    """Rollouts for attempts."""

    def __init__(self, bound: Bound, generate: Generate) -> None:
        self._bound, self._generate = bound, generate

    async def __call__(self, rows: list[Attempt]) -> list[Rollout]:
        bound = self._bound
        return await roll_out(rows, self._generate, bound.prompts, bound.config.sampling, checkpoint=bound.reasoner)


class VerdictWorker:
    """Verdicts for rollouts, by child processes that can be killed."""

    def __init__(self, bound: Bound, children: int) -> None:
        self._verifier = Verifier(bound.config.verifier.model_copy(update={"processes": children}))

    async def __call__(self, rows: list[Rollout]) -> list[GradedRollout]:
        return await grade_rollouts(rows, self._verifier)


def navigator_worker(bound: Bound, application: str) -> NavigatorWorker:
    """Made inside the actor: a client belongs to its process."""
    return NavigatorWorker(bound, engine_client(bound, application, bound.config.navigator))


def reasoner_worker(bound: Bound, application: str) -> ReasonerWorker:
    """Made inside the actor: a client belongs to its process."""
    return ReasonerWorker(bound, engine_client(bound, application, bound.config.reasoner_spec))


def engine_client(bound: Bound, application: str, spec: EngineSpec) -> Generate:
    """The client of one Serve application, with the run's retries, deadlines and bound of what is in flight."""
    stream = bound.config.stream
    client = EngineClient(
        application,
        attempts=stream.call_attempts,
        deadline_s=stream.call_deadline_s,
        in_flight=rows_in_flight(stream, spec),
    )
    return client.warm_up()
