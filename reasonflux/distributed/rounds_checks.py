"""What of a job of rounds can be known before it starts: whether it can run, and what it would take."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from reasonflux.checkpoints import resolve_source
from reasonflux.cluster_plan import ClusterPlan, cluster_facts
from reasonflux.clusters import Cluster
from reasonflux.config import PairsJob
from reasonflux.configuring import dump_config, resolve_model
from reasonflux.distributed.engines import known_digest
from reasonflux.distributed.generate import plan
from reasonflux.distributed.places import named_places
from reasonflux.distributed.preflight import check_inputs, weights_of
from reasonflux.errors import BadInput
from reasonflux.pairs.provenance import Role
from reasonflux.planning import plan_pairs
from reasonflux.rounds.config import RoundsJob, Served, Standing, fresh, generation, scoring
from reasonflux.storage.probe import probe
from reasonflux.storage.store import Store
from reasonflux.training.placing import TrainingPlan, plan_training
from reasonflux.uris import check_places

SCORED = ("problems", "trajectories", "rollouts")


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
    cluster: ClusterPlan | None = None  # of the first round's pairs on a described cluster, where one was named
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
        return ("the first round's pairs", *self.cluster.words(), *trainings)

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
    for config in {dump_config(config): config for _, config in _runs(job, start)}.values():  # many are alike
        check_inputs(config)
    probe(Store.at(job.output.root))
    return start


def starting(job: RoundsJob) -> Standing:
    """The models that a job starts with, every byte of them read for their digests; raises `BadInput`."""
    return Standing(**{role.value: _start(job, role) for role in Role})


def plan_rounds(job: RoundsJob, cluster: Cluster | None = None) -> RoundsPlan:
    """What `run_rounds` would do if every round promoted, and where on a described cluster.

    Checks the inputs, and raises `BadInput` for what the cluster cannot hold; writes and starts nothing.
    """
    check_places(named_places(job))
    start = Standing(**{role.value: Served(model=getattr(job, role).model, digest="") for role in Role})
    parts = []
    for name, config in _runs(job, start):
        parts.append(_planned(name, config))
        if name.endswith("pairs"):
            parts.append(PlannedPart(part=f"{name.split(',')[0]}, training", **dict.fromkeys(_COUNTS, 0)))
    if cluster is None:
        return RoundsPlan(name=job.name, parts=tuple(parts))
    there = _place(job, start, cluster)
    return RoundsPlan(name=job.name, parts=tuple(parts), cluster=there, trainings=_trainings(job, cluster))


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


_COUNTS = ("problems", "trajectories", "rollouts", "prompt_tokens", "output_tokens")


def _runs(job: RoundsJob, start: Standing) -> Iterator[tuple[str, PairsJob]]:
    """Every run of the main job's pipeline, by what it is, with the starting models in place of later ones."""
    root = job.output.root
    for number in range(len(job.schedule) + 1):
        if number:
            module = job.modules[job.schedule[number - 1]]
            where = f"round {number} ({job.schedule[number - 1]})"
            yield f"{where}, pairs", generation(job, number, start, root)
            for name, how in {"gate": fresh(module.gate.primary, number), **module.gate.benchmarks}.items():
                for who in ("parent", "candidate"):
                    yield f"{where}, {name} of {who}", scoring(job, how, "gate", start, root)
        for name, how in job.curve.items():
            if how.at == "every round" or number in (0, len(job.schedule)):
                yield f"curve after round {number}, {name}", scoring(job, how, "curve", start, root)


def _planned(name: str, config: PairsJob) -> PlannedPart:
    inputs = check_inputs(config)
    planned = plan_pairs(config, inputs.problems.problems, inputs.problems.mean_characters, inputs.weights)
    rows = {stage.name: stage.rows for stage in planned.stages}
    return PlannedPart(
        part=name,
        **{stage: rows[stage] for stage in SCORED},
        prompt_tokens=sum(stage.prompt_tokens for stage in planned.stages),
        output_tokens=sum(stage.output_tokens for stage in planned.stages),
    )


def _start(job: RoundsJob, role: Role) -> Served:
    spec = getattr(job, role)
    spec = spec.model_copy(update={"model": resolve_model(spec.model)})
    return Served(model=resolve_source(spec.model), digest=known_digest(spec))
