"""What a job would do, reckoned from its config and its inputs, without running it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.table import Table

from reasonflux.checkpoints import Checkpoint, model_config
from reasonflux.cluster_plan import ClusterPlan, cluster_facts
from reasonflux.config import EngineSpec, PairsJob

CHARACTERS_PER_TOKEN = 3.5  # rough, English and LaTeX; a plan says "about" for everything that rests on it


@dataclass(frozen=True, kw_only=True)
class Weights:
    """What is known of a model before an engine has it."""

    bytes: int  # all files that are copied, where they are; otherwise the safetensors alone
    local: bool  # a directory: the engine reads it where it lies
    loaded: int = 0  # bytes of the safetensors: what comes to lie in memory
    config: Mapping[str, Any] = field(default_factory=dict)  # the model's config.json

    @classmethod
    def of(cls, checkpoint: Checkpoint, *, copied: bool) -> "Weights":
        """Those of a checkpoint, all of whose files are `copied` to where they are needed, or its safetensors read."""
        loaded = sum(checkpoint.sizes[name] for name in checkpoint.weights)
        return cls(
            bytes=sum(checkpoint.sizes.values()) if copied else loaded,
            local=checkpoint.local,
            loaded=loaded,
            config=model_config(checkpoint),
        )


@dataclass(frozen=True, kw_only=True)
class StagePlan:
    """One stage: rows at most, and tokens at most where an engine works."""

    name: str
    rows: int
    engine: str = ""
    prompt_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, kw_only=True)
class EnginePlan:
    """What one engine asks of the cluster; CPUs and GPUs are those of one replica."""

    model: str
    min_replicas: int
    max_replicas: int
    cpus: float
    gpus: int
    weights_bytes: int | None  # None: not known before the model's source can be reached
    weights: str  # how they come to an engine

    @classmethod
    def of(cls, spec: EngineSpec, weights: Weights | None) -> "EnginePlan":
        """The plan of one spec; `weights` is None where their source cannot be reached now."""
        scale = spec.autoscaling
        way = "staged once a node" if spec.load == "stage" else "streamed by each replica"
        return cls(
            model=spec.model,
            min_replicas=scale.min_replicas if scale else spec.replicas,
            max_replicas=scale.max_replicas if scale else spec.replicas,
            cpus=spec.cpus_per_replica,
            gpus=spec.tensor_parallel * spec.pipeline_parallel if spec.device == "gpu" else 0,
            weights_bytes=weights.bytes if weights else None,
            weights="read where they lie" if weights and weights.local else way,
        )

    def words(self) -> str:
        """One line for people."""
        replicas = f"{self.min_replicas}" + (f"–{self.max_replicas}" if self.max_replicas > self.min_replicas else "")
        each = f"{self.gpus} GPU + {self.cpus:g} CPU" if self.gpus else f"{self.cpus:g} CPU"
        if self.weights_bytes is None:
            size = f"weights of unknown size until {self.model} can be reached"
        else:
            size = f"{self.weights_bytes:,} bytes"
        return f"{self.model}: {replicas} replica(s) × {each}; {size}, {self.weights}"


@dataclass(frozen=True, kw_only=True)
class JobPlan:
    """Stages in order, and what each engine asks of the cluster, by role."""

    name: str
    stages: tuple[StagePlan, ...]
    engines: dict[str, EnginePlan]
    cluster: ClusterPlan | None = None  # on a described cluster, where one was named

    def to_json(self) -> dict[str, object]:
        """Plain values, for machines."""
        engines = {role: vars(engine) for role, engine in self.engines.items()}
        return {"name": self.name, "stages": [vars(stage) for stage in self.stages], "engines": engines} | (
            cluster_facts(self.cluster)
        )

    def table(self) -> Table:
        """The stages, for people; rows are at most so many, since equal plans share their rollouts."""
        table = Table(title=f"{self.name}: what would run, at most", title_justify="left")
        for column in ("stage", "rows", "engine", "prompt tokens", "output tokens"):
            table.add_column(column, justify="left" if column in ("stage", "engine") else "right")
        for stage in self.stages:
            prompt = f"about {stage.prompt_tokens:,}" if stage.prompt_tokens else ""
            output = f"{stage.output_tokens:,}" if stage.output_tokens else ""
            table.add_row(stage.name, f"{stage.rows:,}", stage.engine, prompt, output)
        return table

    def words(self) -> tuple[str, ...]:
        """The engines, one line each, and what was reckoned for the cluster."""
        engines = tuple(f"{role}: {engine.words()}" for role, engine in self.engines.items())
        return engines + (self.cluster.words() if self.cluster else ())


def plan_pairs(
    config: PairsJob, problems: int, mean_characters: float, weights: Mapping[str, Weights | None]
) -> JobPlan:
    """The main job's plan for `problems` problems of `mean_characters` each; `weights` of each engine, by role."""
    sampling, pairs = config.sampling, config.pairs
    others = min(config.similar.count, problems) - 1 if config.similar.provider != "self" else 0
    trajectories = problems * sampling.trajectories
    rollouts = trajectories * (sampling.rollouts_own + others * sampling.rollouts_similar)
    pairable = (sampling.rollouts_own > 1) + others * (sampling.rollouts_similar > 1)  # a pair takes two rollouts
    text = int(mean_characters / CHARACTERS_PER_TOKEN) + 40
    plan_tokens, answer_tokens = sampling.navigator.max_tokens, sampling.reasoner.max_tokens
    shared = isinstance(config.reasoner, str)
    stages = (
        StagePlan(name="problems", rows=problems),
        StagePlan(name="similar", rows=problems),
        StagePlan(name="draws", rows=trajectories),
        StagePlan(
            name="trajectories",
            rows=trajectories,
            engine="navigator",
            prompt_tokens=trajectories * text,
            output_tokens=trajectories * plan_tokens,
        ),
        StagePlan(name="attempts", rows=rollouts),
        StagePlan(
            name="rollouts",
            rows=rollouts,
            engine="navigator" if shared else "reasoner",
            prompt_tokens=rollouts * (text + plan_tokens),
            output_tokens=rollouts * answer_tokens,
        ),
        StagePlan(name="verdicts", rows=rollouts),
        StagePlan(name="rewards", rows=trajectories),
        StagePlan(name="navigator_pairs", rows=problems * pairs.per_problem if sampling.trajectories > 1 else 0),
        StagePlan(name="reasoner_pairs", rows=trajectories * pairable * pairs.reasoner_per_trajectory),
    )
    specs = {"navigator": config.navigator} | ({} if shared else {"reasoner": config.reasoner_spec})
    engines = {role: EnginePlan.of(spec, weights.get(role)) for role, spec in specs.items()}
    return JobPlan(name=config.name, stages=stages, engines=engines)
