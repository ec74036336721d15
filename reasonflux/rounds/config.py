"""The config of `jobs/run_rounds.py`, and the runs that follow from it: generation, training and scoring of a round."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from reasonflux.config import (
    EngineSpec,
    Model,
    OutputConfig,
    PairConfig,
    PairsJob,
    ProblemSource,
    SamplingConfig,
    SimilarConfig,
    StreamConfig,
    VerifierConfig,
)
from reasonflux.pairs.provenance import Role
from reasonflux.protocols import Sampling
from reasonflux.rounds.gate import GateRules
from reasonflux.training.recipe import TrainingRecipe

Plans = Literal["navigator", "right", "wrong"]
OF_MODULE = ("similar", "sampling", "pairs")  # what the main job of a round takes from its module
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$")]  # part of a run directory's


class Scoring(Model):
    """How a navigator and a reasoner are scored: plans for problems, each carried out on problems like it."""

    problems: ProblemSource
    plans: Plans = "navigator"  # right, wrong: the testbed's own
    trajectories: int = Field(1, gt=0)  # plans a problem
    rollouts: int = Field(1, gt=0)  # of each plan at its own problem, and at each similar one
    similar: SimilarConfig = SimilarConfig(provider="self", count=1)
    navigator: Sampling = Sampling(temperature=0.0, max_tokens=512)
    reasoner: Sampling = Sampling(temperature=0.0, max_tokens=4096)


class GateConfig(Model):
    """On what a candidate and its parent are compared. `primary.problems.limit` problems are fresh each round."""

    primary: Scoring
    benchmarks: dict[Name, Scoring] = Field(default_factory=dict)  # the candidate must not be worse here; by name
    rules: GateRules = GateRules()  # in rounds, planned_gates is the schedule's length, whatever stands here

    @model_validator(mode="after")
    def _fresh(self) -> "GateConfig":
        if self.primary.problems.limit is None:
            raise ValueError("primary.problems.limit must say how many fresh problems a gate takes")
        return self


class ModuleConfig(Model):
    """How one of the two models is trained in its rounds."""

    problems: ProblemSource
    similar: SimilarConfig = SimilarConfig()
    sampling: SamplingConfig = SamplingConfig()
    pairs: PairConfig = PairConfig()
    recipe: TrainingRecipe  # its base, data and output_root are the round's
    replay: int = Field(0, ge=0)  # earlier rounds whose pairs are trained on again, while the other model stays
    gate: GateConfig


class CurveScoring(Scoring):
    """One line of the learning curve."""

    at: Literal["every round", "ends"] = "every round"  # ends: before the first round and after the last


class RoundsJob(Model):
    """Config of `jobs/run_rounds.py`."""

    name: Name
    seed: int = 0
    schedule: tuple[Role, ...] = Field(min_length=1)  # the model that each round trains
    modules: dict[Role, ModuleConfig]
    curve: dict[Name, CurveScoring] = Field(
        default_factory=dict
    )  # by name; no gate sees these problems, and no training
    library: str = "testbed"
    library_version: str | None = None
    prompts: str = "plain"
    navigator: EngineSpec  # the starting models
    reasoner: EngineSpec
    accelerators: Literal["apart", "shared"] = "apart"  # shared: engines end before training starts
    verifier: VerifierConfig = VerifierConfig()
    stream: StreamConfig = StreamConfig()
    output: OutputConfig = OutputConfig()

    @model_validator(mode="after")
    def _modules_there(self) -> "RoundsJob":
        for role in self.schedule:
            if role not in self.modules:
                raise ValueError(f"schedule trains the {role}: say how under modules.{role}")
        for role, module in self.modules.items():
            if module.recipe.role != role:
                raise ValueError(f"modules.{role}.recipe trains the {module.recipe.role}")
        return self

    def rules(self, role: Role) -> GateRules:
        """The gate's rules, α shared over the schedule."""
        return self.modules[role].gate.rules.model_copy(update={"planned_gates": len(self.schedule)})

    def fresh(self, role: Role, lot: int) -> Scoring:
        """The primary scoring of the `lot`-th gate, counted from 1: on problems that no gate before it takes."""
        how = self.modules[role].gate.primary
        source, limit = how.problems, self._limit(role)
        skip = source.skip + self._begin(role, lot)
        window = {"skip": skip, "count": max(source.count, skip + limit)}
        return how.model_copy(update={"problems": source.model_copy(update=window)})

    def _begin(self, role: Role, lot: int) -> int:
        """Where a lot begins: as if all before it were of its size, or behind them where they are larger."""
        taken = 0
        for number, before in enumerate([*self.schedule, *[role] * lot][: lot - 1], start=1):
            taken = max(taken, (number - 1) * self._limit(before)) + self._limit(before)
        return max(taken, (lot - 1) * self._limit(role))

    def _limit(self, role: Role) -> int:
        limit = self.modules[role].gate.primary.problems.limit
        assert limit is not None  # as `GateConfig` has checked
        return limit


class GateJob(RoundsJob):
    """Config of `jobs/run_gate.py`: that of rounds, and which checkpoint their gate is asked about.

    Its parent is the model of its role in this config.
    """

    role: Role
    candidate: str  # checkpoint: directory, URI or Hub id
    lot: int | None = Field(None, gt=0)  # of fresh problems; as it is, the first that no round of the schedule takes

    @model_validator(mode="after")
    def _gate_there(self) -> "GateJob":
        if self.role not in self.modules:
            raise ValueError(f"role is {self.role}: say under modules.{self.role}.gate how it is compared")
        return self

    @property
    def number(self) -> int:
        """Of the lot; and of the gate, as if it were a round's."""
        return self.lot or len(self.schedule) + 1

    def rules(self, role: Role) -> GateRules:
        """As they stand: who asks says how many gates are planned."""
        return self.modules[role].gate.rules


@dataclass(frozen=True, kw_only=True)
class Served:
    """A checkpoint: where it lies, and its digest."""

    model: str  # directory, URI or Hub id
    digest: str


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The two checkpoints that stand at some moment."""

    navigator: Served
    reasoner: Served

    @classmethod
    def read(cls, values: Mapping[str, Mapping[str, str]]) -> "Standing":
        """Out of JSON."""
        return cls(**{role: Served(**served) for role, served in values.items()})

    def of(self, role: Role) -> Served:
        """One role's."""
        return self.navigator if role is Role.NAVIGATOR else self.reasoner

    def replaced(self, role: Role, by: Served) -> "Standing":
        """With another checkpoint of one role."""
        if role is Role.NAVIGATOR:
            return Standing(navigator=by, reasoner=self.reasoner)
        return Standing(navigator=self.navigator, reasoner=by)


def generation(job: RoundsJob, number: int, standing: Standing, root: str) -> PairsJob:
    """The main job of round `number`, counted from 1: problems of its own where the source draws them by a seed."""
    module = job.modules[job.schedule[number - 1]]
    own = {"name": "pairs", "seed": job.seed * 1000 + number, "round": number, "problems": module.problems}
    return _pairs_job(job, standing, root, own | {key: getattr(module, key) for key in OF_MODULE})


def scoring(job: RoundsJob, how: Scoring, name: str, standing: Standing, root: str) -> PairsJob:
    """The scoring run of two checkpoints."""
    sampling = SamplingConfig(
        trajectories=how.trajectories,
        rollouts_own=how.rollouts,
        rollouts_similar=how.rollouts,
        navigator=how.navigator,
        reasoner=how.reasoner,
    )
    own = {"problems": how.problems, "plans": how.plans, "similar": how.similar, "sampling": sampling}
    return _pairs_job(job, standing, root, own | {"name": name, "seed": job.seed})


def training(
    job: RoundsJob, number: int, parent: Served, data: str, root: str, earlier: Sequence[str] = ()
) -> TrainingRecipe:
    """The training of round `number`, from its parent, on its pairs, and on those of `earlier` rounds of its kind."""
    role = job.schedule[number - 1]
    own = {
        "name": "training",
        "base": parent.model,
        "base_digest": parent.digest,
        "data": data,
        "replayed": tuple(earlier),
        "seed": job.seed * 1000 + number,
        "output_root": root,
    }
    return job.modules[role].recipe.model_copy(update=own)


def _pairs_job(job: RoundsJob, standing: Standing, root: str, own: dict[str, Any]) -> PairsJob:
    common = {key: getattr(job, key) for key in ("library", "library_version", "prompts", "verifier", "stream")}
    specs = {role.value: _spec(getattr(job, role), standing.of(role)) for role in Role}
    return PairsJob(**common, **specs, **own, output=OutputConfig(root=root))


def _spec(start: EngineSpec, served: Served) -> EngineSpec:
    """The starting model's engine, with the checkpoint that stands."""
    revision = start.revision if served.model == start.model else None
    return start.model_copy(update={"model": served.model, "digest": served.digest, "revision": revision})
