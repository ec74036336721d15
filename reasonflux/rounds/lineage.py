"""Where a pair, rollout, trajectory, problem or checkpoint comes from, back to problem, templates and models.

A lineage is a graph: what two things come from stands in it once. Ids are those of the records; a run's is its place, a
checkpoint's its digest.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import pyarrow.compute as pc
import yaml

from reasonflux.arrow import from_table
from reasonflux.errors import BadInput
from reasonflux.pairs.run_stages import RECORDS
from reasonflux.records import (
    Attempt,
    Draw,
    GradedRollout,
    Pair,
    Problem,
    Rollout,
    SimilarProblems,
    Trajectory,
    TrajectoryReward,
)
from reasonflux.rounds.finding import Found, Place
from reasonflux.storage.run import Run
from reasonflux.storage.stage import Stage


@dataclass(frozen=True, kw_only=True)
class Node:
    """One thing, what is known of it, and what it comes from."""

    id: str
    kind: str  # pair, rollout, trajectory, problem, run or checkpoint
    facts: Mapping[str, Any]
    sources: tuple[tuple[str, str], ...] = ()  # what the source is to it, and the source's id


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """What was asked for, and all that it comes from."""

    asked: str
    nodes: dict[str, Node] = field(default_factory=dict)  # by id, what was asked for first

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def explain(place: Place, wanted: str) -> Lineage:
    """The lineage of an id below `place`; raises `BadInput` for one that nothing there has."""
    walk = _Walk(place)
    found = place.find(wanted)
    if found is not None:
        walk.add(found, wanted)
    elif wanted in place.checkpoints or any(wanted in walk.checkpoints_of(run).values() for run in place.runs):
        walk.add_checkpoint(wanted)
    else:
        what = f"no pair, rollout, trajectory, problem or checkpoint {wanted} in the {len(place.runs)} runs below"
        raise BadInput(f"{what} {place.uri}", "Name the whole id, and where the run is with --run or --root")
    return Lineage(asked=wanted, nodes=walk.nodes)


class _Walk:
    """Collects nodes, each before what it comes from."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.nodes: dict[str, Node] = {}

    def add(self, found: Found, wanted: str) -> None:
        shard = _Shard(found.run, found.shard)
        add = {"problems": self._add_problem, "draws": self._add_trajectory, "attempts": self._add_rollout}
        if found.stage in add:
            add[found.stage](shard, wanted)
        else:
            self._add_pair(shard, shard.row(found.stage, wanted))

    def _add_pair(self, shard: "_Shard", pair: Pair) -> None:
        sides = (("chosen", pair.chosen_id), ("rejected", pair.rejected_id))
        facts = _plain(pair, but={"id", "prompt", "chosen", "rejected", "chosen_id", "rejected_id", "trajectory_id"})
        self._put(pair.id, f"{pair.role} pair", facts, *sides)
        for _, side in sides:
            if pair.role == "navigator":
                self._add_trajectory(shard, side)
            else:
                self._add_rollout(shard, side)

    def _add_rollout(self, shard: "_Shard", rollout_id: str) -> None:
        attempt: Attempt = shard.row("attempts", rollout_id)
        rollout: Rollout | None = shard.get("rollouts", rollout_id)
        graded: GradedRollout | None = shard.get("verdicts", rollout_id)
        run = shard.run.store.uri
        checkpoint = rollout.usage.checkpoint if rollout else self.checkpoints_of(shard.run).get("reasoner", "")
        facts = {"index": attempt.index, "seed": attempt.seed, "sampling": shard.sampling("reasoner")}
        if rollout:
            made = _plain(rollout, but={"id", "trajectory_id", "problem_id", "index", "multiplicity", "anchor_id"})
            facts |= {name: made.pop(name) for name in ("prompt", "text")} | made
        if graded:
            facts |= {"verdict": graded.verdict, "answer": graded.answer, "graded_in_s": graded.seconds}
        sources = [("under", attempt.trajectory_id), ("of", attempt.problem.id), ("in", run)]
        self._put(rollout_id, "rollout", facts, *sources, ("written by", checkpoint))
        self._add_trajectory(shard, attempt.trajectory_id)
        self._put_problem(shard, attempt.problem)
        self.add_checkpoint(checkpoint)

    def _add_trajectory(self, shard: "_Shard", trajectory_id: str) -> None:
        if trajectory_id in self.nodes:
            return
        draw: Draw = shard.row("draws", trajectory_id)
        made: Trajectory | None = shard.get("trajectories", trajectory_id)
        reward: TrajectoryReward | None = shard.get("rewards", trajectory_id)
        checkpoint = made.usage.checkpoint if made else self.checkpoints_of(shard.run).get("navigator", "")
        facts = {"round": draw.round, "index": draw.index, "seed": draw.seed, "sampling": shard.sampling("navigator")}
        if made:
            facts |= {"templates": [_template(step) for step in made.steps]}
            facts |= _plain(made, but={"id", "problem_id", "round", "index", "steps"})
        if reward:
            facts |= {"reward": _plain(reward, but={"id", "problem_id"})}
        sources = [("for", draw.problem.id), ("in", shard.run.store.uri), ("written by", checkpoint)]
        self._put(trajectory_id, "trajectory", facts, *sources)
        self._put_problem(shard, draw.problem)
        self.add_checkpoint(checkpoint)

    def _add_problem(self, shard: "_Shard", problem_id: str) -> None:
        self._put_problem(shard, shard.row("problems", problem_id))

    def _put_problem(self, shard: "_Shard", problem: Problem) -> None:
        similar: SimilarProblems | None = shard.get("similar", problem.id)
        facts = _plain(problem, but={"id"})
        if similar:
            others = [each.id for each in similar.problems[1:]]
            facts |= {"similar": {"provider": similar.provider, "purity": similar.purity, "problems": others}}
        self._put(problem.id, "problem", facts, ("in", shard.run.store.uri))
        self._add_run(shard.run)

    def _add_run(self, run: Run) -> None:
        if run.store.uri in self.nodes:
            return
        manifest = run.manifest() or {}
        config = yaml.safe_load(run.store.read("config.yaml"))
        facts = {name: manifest.get(name, config.get(name)) for name in ("name", "seed", "round", "library", "prompts")}
        facts |= {"finished": manifest.get("finished"), "versions": manifest.get("versions", {})}
        models = sorted(self.checkpoints_of(run).items())
        self._put(run.store.uri, "run", facts, *models)
        for _, checkpoint in models:
            self.add_checkpoint(checkpoint)

    def add_checkpoint(self, digest: str) -> None:
        if not digest or digest in self.nodes:
            return
        found = self._place.checkpoints.get(digest)
        facts: dict[str, Any] = {"directory": found.directory} | found.manifest if found else {}
        if found and (decision := found.decision()):
            facts |= {"gate": decision}
        if asked := self._place.gates.get(digest):
            facts |= {"gates asked alone": asked}
        used = {run.store.uri: roles for run in self._place.runs if (roles := self._roles(run, digest))}
        facts |= {"answered as": used} if used else {}
        parent = found.parent if found else ""
        runs = [run for run in self._place.runs if found and found.learnt_from(self._dataset(run))]
        pairs_of = [("pairs of", run.store.uri) for run in runs]
        self._put(digest, "checkpoint", facts, ("parent", parent), *pairs_of)
        self.add_checkpoint(parent)
        for run in runs:
            self._add_run(run)

    def checkpoints_of(self, run: Run) -> dict[str, str]:
        """Digests by role; none while a run is not finished."""
        found: dict[str, str] = (run.manifest() or {}).get("checkpoints", {})
        return found

    def _roles(self, run: Run, digest: str) -> list[str]:
        return sorted(role for role, there in self.checkpoints_of(run).items() if there == digest)

    def _dataset(self, run: Run) -> str:
        """Digest of the data set that the run published."""
        return str((run.manifest() or {}).get("summary", {}).get("dataset", "")).rpartition("/")[2]

    def _put(self, node_id: str, kind: str, facts: Mapping[str, Any], *sources: tuple[str, str]) -> None:
        known = tuple((what, source) for what, source in sources if source)
        self.nodes.setdefault(node_id, Node(id=node_id, kind=kind, facts=facts, sources=known))


class _Shard:
    """One shard of a run, each stage of it read once."""

    def __init__(self, run: Run, number: int) -> None:
        self.run, self._number = run, number
        self._tables: dict[str, Any] = {}

    def get(self, name: str, row_id: str) -> Any:
        """The row as its record; None where the shard is not sealed yet, or has no such row."""
        if name not in self._tables:
            stage: Stage[Any] = self.run.stage(name, RECORDS[name])
            self._tables[name] = stage.read(self._number) if stage.sealed(self._number) else None
        table = self._tables[name]
        there = None if table is None else table.filter(pc.field("id") == row_id)
        return from_table(RECORDS[name], there)[0] if there else None

    def row(self, name: str, row_id: str) -> Any:
        """As `get`; raises `BadInput` where there is none."""
        found = self.get(name, row_id)
        if found is None:
            what = f"{row_id} has no row in stage {name} of {self.run.store.uri}"
            raise BadInput(what, "Run `reasonflux fsck` on the run directory")
        return found

    def sampling(self, role: str) -> Mapping[str, Any]:
        """How the role was sampled, as the run's config says."""
        found: dict[str, Any] = self._config.get("sampling", {}).get(role, {})
        return found

    @cached_property
    def _config(self) -> dict[str, Any]:
        config: dict[str, Any] = yaml.safe_load(self.run.store.read("config.yaml"))
        return config


def _template(step: Any) -> dict[str, Any]:
    return {name: value for name, value in asdict(step).items() if value}


def _plain(record: Any, but: set[str]) -> dict[str, Any]:
    return {name: value for name, value in asdict(record).items() if name not in but and value is not None}
