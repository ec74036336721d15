"""Small rows for the tests of pairs: only what a test names matters, the rest is filled in."""

from hypothesis import settings

from reasonflux.config import EngineSpec, PairsJob, ProblemSource
from reasonflux.pairs.card import CardFacts
from reasonflux.pairs.counts import ShardCounts
from reasonflux.pairs.provenance import Provenance
from reasonflux.records import (
    Failure,
    GradedRollout,
    Message,
    Pair,
    Rollout,
    Status,
    Step,
    Trajectory,
    TrajectoryReward,
    Usage,
    Verdict,
)

quick = settings(max_examples=60, deadline=None)  # a loaded machine makes no test fail

PROVENANCE = Provenance(navigator="nav", reasoner="rea", library="lib", prompts="pro", round=2)


def trajectory(id: str, *, problem: str = "x", plan: str | None = None, failed: bool = False) -> Trajectory:
    text = id if plan is None else plan
    return Trajectory(
        id=id,
        problem_id=problem,
        round=2,
        index=0,
        prompt=(Message(role="user", content=f"plan {problem}"),),
        text=f"  {text.upper()}",
        steps=() if failed else (Step(name=text, written=text.upper()),),
        plan="" if failed else text,
        in_library=0 if failed else 1,
        status=Status.FAILED if failed else Status.DONE,
        failure=Failure(stage="trajectories", error="engine_error", message="") if failed else None,
        usage=Usage(prompt_tokens=7, output_tokens=3),
    )


def reward(
    id: str, value: float | None, *, problem: str = "x", multiplicity: int = 1, exhaustive: bool = True
) -> TrajectoryReward:
    return TrajectoryReward(
        id=id,
        problem_id=problem,
        multiplicity=multiplicity,
        reward=value,
        n=7,
        standard_error=None if value is None else 0.1,
        failed=0,
        exhaustive=exhaustive,
    )


def rollout(id: str, text: str, *, problem: str = "x", plan: str = "t") -> Rollout:
    return Rollout(
        id=id,
        trajectory_id=plan,
        multiplicity=1,
        anchor_id=problem,
        problem_id=problem,
        index=0,
        gold="1",
        prompt=(Message(role="user", content=f"solve {problem} by {plan}"),),
        text=text,
        truncated=False,
        status=Status.DONE,
        failure=None,
        usage=Usage(prompt_tokens=20, output_tokens=10, cached_tokens=5),
    )


def graded(id: str, verdict: Verdict, *, problem: str = "x", plan: str = "t", failed: bool = False) -> GradedRollout:
    return GradedRollout(
        id=id,
        trajectory_id=plan,
        multiplicity=1,
        anchor_id=problem,
        problem_id=problem,
        index=0,
        verdict=verdict.value,
        answer="",
        gold="1",
        seconds=0.0,
        failure=Failure(stage="verdicts", error="MemoryError", message="") if failed else None,
    )


def pair(number: int, role: str = "navigator") -> Pair:
    return Pair(
        prompt=(Message(role="user", content=f"What is {number} + {number}?"),),
        chosen=(Message(role="assistant", content=f"Add: {number * 2}"),),
        rejected=(Message(role="assistant", content=f"Guess: {number}"),),
        score_chosen=0.75,
        score_rejected=0.25,
        margin=0.5,
        n_chosen=8,
        n_rejected=8,
        standard_error_chosen=0.15 if number % 2 else None,
        standard_error_rejected=0.15,
        multiplicity_chosen=1,
        multiplicity_rejected=2,
        id=f"{role}{number}",
        role=role,
        problem_id=f"p{number}",
        trajectory_id=None if role == "navigator" else f"t{number}",
        chosen_id=f"c{number}",
        rejected_id=f"r{number}",
        checkpoint="nav",
        reasoner="rea",
        library="lib",
        prompts="pro",
        round=2,
    )


def facts(*, purity: float | None = None, model: str = "m") -> CardFacts:
    job = PairsJob(
        name="t",
        problems=ProblemSource(source="testbed"),
        navigator=EngineSpec(model=model),
        reasoner="navigator",
    )
    return CardFacts(job=job, provenance=PROVENANCE, purity=purity, counts=ShardCounts())
