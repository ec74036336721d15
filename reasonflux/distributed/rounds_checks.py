"""What of a job of rounds can be known before it starts: whether it can run, and what it would take."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from reasonflux.checkpoints import resolve_source
from reasonflux.cluster_plan import ClusterPlan, cluster_facts
from reasonflux.clusters import Cluster
from reasonflux.config import EngineSpec, PairsJob
from reasonflux.configuring import dump_config, resolve_model
from reasonflux.distributed.engines import known_digest
from reasonflux.distributed.generate import plan
from reasonflux.distributed.places import named_places
from reasonflux.distributed.preflight import Inputs, check_inputs, weights_of
from reasonflux.errors import BadInput
from reasonflux.pairs.provenance import Role
from reasonflux.planning import plan_pairs
from reasonflux.rounds.config import GateJob, RoundsJob, Served, Standing, generation, scoring
from reasonflux.storage.probe import probe
from reasonflux.storage.store import Store
from reasonflux.training.placing import TrainingPlan, plan_training
from reasonflux.uris import check_places

SCORED = ("problems", "trajectories", "rollouts")
GATE = "gate"  # the part of a plan that is the primary set's


@dataclass(frozen=True, kw_only=True)
class PlannedPart:
    """A run inside the rounds: rows and tokens at most."""

    part: str
    problems: int
    trajectories: int
    rollouts: int
    prompt_tokens: int
    output_tokens: int


@dataclass(frozen=True, kw_only=True)
class RoundsPlan:
    """What a job of rounds would run, in order."""

    name: str
    parts: tuple[PlannedPart, ...]
    cluster: ClusterPlan | None = None  # of what `engines_are_of` on a described cluster, where one was named
    engines_are_of: str = "the first round's pairs"
    trainings: tuple[TrainingPlan, ...] = ()  # there too, of each model once; their rows are not there yet

    def to_json(self) -> dict[str, Any]:
        """Plain values, for machines."""
        trainings = {"trainings": [each.to_json() for each in self.trainings]} if self.cluster else {}
        parts = [asdict(part) for part in self.parts]
        return {"name": self.name, "parts": parts} | cluster_facts(self.cluster) | trainings

    def words(self) -> tuple[str, ...]:
        """What was reckoned for the cluster."""
        if self.cluster is None:
            return ()
        trainings = [line for each in self.trainings for line in each.place()]
        return (self.engines_are_of, *self.cluster.words(), *trainings)

    def table(self) -> Table:
        """One row a part, for people."""
        table = Table(title=f"{self.name}: what would run, at most", title_justify="left")
        table.add_column("part")
        for column in ("problems", "trajectories", "rollouts", "prompt tokens", "output tokens"):
            table.add_column(column, justify="right")
        for part in self.parts:
            tokens = (f"about {part.prompt_tokens:,}", f"{part.output_tokens:,}") if part.rollouts else ("", "")
            counts = [f"{count:,}" if count else "" for count in (part.problems, part.trajectories, part.rollouts)]
            table.add_row(part.part, *counts, *tokens)
        return table


def check_rounds(job: RoundsJob) -> Standing:
    """Reads all that a job names and tries where it writes; the starting models, with their digests.

    Raises `BadInput`.
    """
    check_places(named_places(job))
    start = starting(job)
    _check_runs(_runs(job, start))
    probe(Store.at(job.output.root))
    return start


def check_gate(job: GateJob) -> tuple[Standing, Served]:
    """The same for a gate that is asked alone; the models of the config, and the candidate."""
    check_places(named_places(job))
    start = starting(job)
    candidate = _served(_candidate(job))
    if candidate.digest == start.of(job.role).digest:
        raise BadInput(
            f"the candidate {job.candidate} is the {job.role} that it would be compared with",
            f"Name another, or its parent: --set {job.role}.model=…",
        )
    _check_runs(_gate_runs(job, job.role, job.number, start))
    probe(Store.at(job.output.root))
    return start, candidate


def starting(job: RoundsJob) -> Standing:
    """The models that a job starts with, every byte of them read for their digests; raises `BadInput`."""
    return Standing(**{role.value: _served(getattr(job, role)) for role in Role})


def plan_rounds(job: RoundsJob, cluster: Cluster | None = None) -> RoundsPlan:
    """What `run_rounds` would do if every round promoted, and where on a described cluster.

    Checks the inputs, and raises `BadInput` for what the cluster cannot hold; writes and starts nothing.
    """
    check_places(named_places(job))
    start = _unread(job)
    parts = []
    for name, config in _runs(job, start):
        parts.append(_planned(name, config))
        if name.endswith("pairs"):
            parts.append(PlannedPart(part=f"{name.split(',')[0]}, training", **dict.fromkeys(_COUNTS, 0)))
    if cluster is None:
        return RoundsPlan(name=job.name, parts=tuple(parts))
    there = _place(job, start, cluster)
    return RoundsPlan(name=job.name, parts=tuple(parts), cluster=there, trainings=_trainings(job, cluster))


def plan_gate(job: GateJob, cluster: Cluster | None = None) -> RoundsPlan:
    """What `run_gate` would do, and where its engines would run; as `plan_rounds`."""
    check_places(named_places(job))
    runs = list(_gate_runs(job, job.role, job.number, _unread(job)))
    parts = tuple(_planned(name, config) for name, config in runs)
    there = plan(runs[0][1], cluster).cluster if cluster else None
    return RoundsPlan(name=job.name, parts=parts, cluster=there, engines_are_of="the gate")


def _unread(job: RoundsJob) -> Standing:
    """The models that a job starts with, as far as a plan needs them."""
    return Standing(**{role.value: Served(model=getattr(job, role).model, digest="") for role in Role})


def _place(job: RoundsJob, start: Standing, cluster: Cluster) -> ClusterPlan:
    """The engines of the first round; training has to find its GPUs too, beside them unless they take turns."""
    there = plan(generation(job, 1, start, job.output.root), cluster).cluster
    assert there is not None
    gpus = sum(node.count * node.gpus for node in cluster.nodes)
    taken = sum(each.replicas * bundle.get("GPU", 0.0) for each in there.engines for bundle in each.bundles)
    for role in dict.fromkeys(job.schedule):
        workers = job.modules[role].recipe.workers
        needed = workers.count * workers.gpus + (taken if job.accelerators == "apart" else 0)
        if workers.gpus and needed > gpus:
            beside = "" if job.accelerators == "shared" else f" with {taken:g} for engines beside it"
            raise BadInput(
                f"training the {role} takes {needed:g} GPUs{beside}, {cluster.name} has {gpus}",
                f"Lower modules.{role}.recipe.workers.count, set accelerators=shared, or name a larger cluster",
            )
    return there


def _trainings(job: RoundsJob, cluster: Cluster) -> tuple[TrainingPlan, ...]:
    """Each model's training, from the one that it starts with."""
    found = []
    for role in dict.fromkeys(job.schedule):
        spec = getattr(job, role)
        weights = weights_of(spec.model_copy(update={"model": resolve_model(spec.model)}))
        recipe, at = job.modules[role].recipe, f"modules.{role}.recipe."
        found.append(plan_training(cluster, recipe, weights, at=at))
    return tuple(found)


def _check_runs(runs: Iterable[tuple[str, PairsJob]]) -> None:
    """Checks each of the runs that differ, of which there are few."""
    for name, config in {dump_config(config): (name, config) for name, config in runs}.values():
        _check_run(name, config)


def _check_run(name: str, config: PairsJob) -> Inputs:
    """Raises `BadInput` for what it cannot read, and for a gate with fewer fresh problems than it takes."""
    inputs, source = check_inputs(config), config.problems
    there, wanted = inputs.problems.problems, source.limit or 0
    if name.rpartition(", ")[2].startswith(f"{GATE} of ") and there < wanted:
        raise BadInput(
            f"{name.rpartition(' of ')[0]}: {source.path or source.source} has no more than {there:,} problems for it "
            f"that no gate before takes, gate.primary.problems.limit is {wanted:,}",
            "Lower the limit, or name a larger set",
        )
    return inputs


_COUNTS = ("problems", "trajectories", "rollouts", "prompt_tokens", "output_tokens")


def _runs(job: RoundsJob, start: Standing) -> Iterator[tuple[str, PairsJob]]:
    """Every run of the main job's pipeline, by what it is, with the starting models in place of later ones."""
    root = job.output.root
    for number in range(len(job.schedule) + 1):
        if number:
            role = job.schedule[number - 1]
            where = f"round {number} ({role})"
            yield f"{where}, pairs", generation(job, number, start, root)
            for name, config in _gate_runs(job, role, number, start):
                yield f"{where}, {name}", config
        for name, how in job.curve.items():
            if how.at == "every round" or number in (0, len(job.schedule)):
                yield f"curve after round {number}, {name}", scoring(job, how, "curve", start, root)


def _gate_runs(job: RoundsJob, role: Role, lot: int, start: Standing) -> Iterator[tuple[str, PairsJob]]:
    """The scoring runs of one gate, alike."""
    benchmarks = job.modules[role].gate.benchmarks
    sets = {GATE: job.fresh(role, lot)} | {f"benchmark {name}": how for name, how in benchmarks.items()}
    for name, how in sets.items():
        for who in ("parent", "candidate"):
            yield f"{name} of {who}", scoring(job, how, "gate", start, job.output.root)


def _planned(name: str, config: PairsJob) -> PlannedPart:
    inputs = _check_run(name, config)
    planned = plan_pairs(config, inputs.problems.problems, inputs.problems.mean_characters, inputs.weights)
    rows = {stage.name: stage.rows for stage in planned.stages}
    return PlannedPart(
        part=name,
        **{stage: rows[stage] for stage in SCORED},
        prompt_tokens=sum(stage.prompt_tokens for stage in planned.stages),
        output_tokens=sum(stage.output_tokens for stage in planned.stages),
    )


def _candidate(job: GateJob) -> EngineSpec:
    spec: EngineSpec = getattr(job, job.role)
    return spec.model_copy(update={"model": job.candidate, "revision": None, "digest": None})


def _served(spec: EngineSpec) -> Served:
    spec = spec.model_copy(update={"model": resolve_model(spec.model)})
    return Served(model=resolve_source(spec.model), digest=known_digest(spec))
