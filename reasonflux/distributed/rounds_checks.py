"""What of a job of rounds can be known before it starts: whether it can run, and what it would take."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from reasonflux.checkpoints import resolve_source
from reasonflux.config import PairsJob
from reasonflux.configuring import dump_config, resolve_model
from reasonflux.distributed.engines import known_digest
from reasonflux.distributed.preflight import check_inputs
from reasonflux.pairs.provenance import Role
from reasonflux.planning import plan_pairs
from reasonflux.rounds.config import RoundsJob, Served, Standing, fresh, generation, scoring
from reasonflux.storage.probe import probe
from reasonflux.storage.store import Store

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

    def to_json(self) -> dict[str, Any]:
        """Plain values, for machines."""
        return asdict(self)

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
    start = starting(job)
    for config in {dump_config(config): config for _, config in _runs(job, start)}.values():  # many are alike
        check_inputs(config)
    probe(Store.at(job.output.root))
    return start


def starting(job: RoundsJob) -> Standing:
    """The models that a job starts with, every byte of them read for their digests; raises `BadInput`."""
    return Standing(**{role.value: _start(job, role) for role in Role})


def plan_rounds(job: RoundsJob) -> RoundsPlan:
    """What `run_rounds` would do if every round promoted; checks the inputs, writes and starts nothing."""
    start = Standing(**{role.value: Served(model=getattr(job, role).model, digest="") for role in Role})
    parts = []
    for name, config in _runs(job, start):
        parts.append(_planned(name, config))
        if name.endswith("pairs"):
            parts.append(PlannedPart(part=f"{name.split(',')[0]}, training", **dict.fromkeys(_COUNTS, 0)))
    return RoundsPlan(name=job.name, parts=tuple(parts))


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
    plan = plan_pairs(config, inputs.problems.problems, inputs.problems.mean_characters, inputs.weights)
    rows = {stage.name: stage.rows for stage in plan.stages}
    return PlannedPart(
        part=name,
        **{stage: rows[stage] for stage in SCORED},
        prompt_tokens=sum(stage.prompt_tokens for stage in plan.stages),
        output_tokens=sum(stage.output_tokens for stage in plan.stages),
    )


def _start(job: RoundsJob, role: Role) -> Served:
    spec = getattr(job, role)
    spec = spec.model_copy(update={"model": resolve_model(spec.model)})
    return Served(model=resolve_source(spec.model), digest=known_digest(spec))
