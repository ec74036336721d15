"""What a job would do, reckoned from its config and its inputs, without running it."""

from dataclasses import dataclass

from rich.table import Table

from reasonflux.config import EngineSpec, PairsJob

CHARACTERS_PER_TOKEN = 3.5  # rough, English and LaTeX; a plan says "about" for everything that rests on it


@dataclass(frozen=True, kw_only=True)
class StagePlan:
    """One stage: rows at most, and tokens at most where an engine works."""

    name: str
    rows: int
    engine: str = ""
    prompt_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, kw_only=True)
class JobPlan:
    """Stages in order, and what each engine asks of the cluster."""

    name: str
    stages: tuple[StagePlan, ...]
    engines: dict[str, str]

    def to_json(self) -> dict[str, object]:
        """Plain values, for machines."""
        return {"name": self.name, "stages": [vars(stage) for stage in self.stages], "engines": self.engines}

    def table(self) -> Table:
        """For people; every count is an upper bound, since equal plans share their rollouts."""
        table = Table(title=f"{self.name}: what would run (rows and tokens are upper bounds)")
        for column in ("stage", "rows", "engine", "prompt tokens", "output tokens"):
            table.add_column(column, justify="left" if column in ("stage", "engine") else "right")
        for stage in self.stages:
            tokens = [f"{count:,}" if count else "" for count in (stage.prompt_tokens, stage.output_tokens)]
            table.add_row(stage.name, f"{stage.rows:,}", stage.engine, *tokens)
        for role, needs in self.engines.items():
            table.add_row(f"[bold]{role}[/bold]", "", needs, "", "")
        return table


def plan_pairs(config: PairsJob, problems: int, mean_characters: float, weights_bytes: dict[str, int]) -> JobPlan:
    """The main job's plan for `problems` problems of `mean_characters` each."""
    sampling = config.sampling
    per_plan = sampling.rollouts_own + (config.similar.count - 1) * sampling.rollouts_similar
    trajectories = problems * sampling.trajectories
    rollouts = trajectories * per_plan
    text = int(mean_characters / CHARACTERS_PER_TOKEN) + 40
    plan_tokens, answer_tokens = sampling.navigator.max_tokens, sampling.reasoner.max_tokens
    reasoner = "navigator" if isinstance(config.reasoner, str) else "reasoner"
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
            engine=reasoner,
            prompt_tokens=rollouts * (text + plan_tokens),
            output_tokens=rollouts * answer_tokens,
        ),
        StagePlan(name="verdicts", rows=rollouts),
        StagePlan(name="rewards", rows=trajectories),
        StagePlan(name="navigator_pairs", rows=problems * config.pairs.per_problem),
        StagePlan(name="reasoner_pairs", rows=trajectories * config.pairs.reasoner_per_trajectory),
    )
    engines = {"navigator": config.navigator} | (
        {} if isinstance(config.reasoner, str) else {"reasoner": config.reasoner}
    )
    needs = {role: engine_needs(spec, weights_bytes.get(role, 0)) for role, spec in engines.items()}
    return JobPlan(name=config.name, stages=stages, engines=needs)


def engine_needs(spec: EngineSpec, weights_bytes: int) -> str:
    """Replicas, CPUs or GPUs, and how many bytes of weights reach each node."""
    replicas = (
        f"{spec.replicas}"
        if spec.autoscaling is None
        else (f"{spec.autoscaling.min_replicas}–{spec.autoscaling.max_replicas}")
    )
    gpus = spec.tensor_parallel * spec.pipeline_parallel
    each = (
        f"{spec.cpus_per_replica:g} CPU"
        if spec.device == "cpu"
        else f"{gpus} GPU (TP {spec.tensor_parallel} × PP {spec.pipeline_parallel})"
    )
    way = "staged once a node" if spec.load == "stage" else "streamed by each replica"
    size = f"{weights_bytes:,} bytes {way}" if weights_bytes else "weights read where they lie"
    return f"{spec.model}: {replicas} replica(s) × {each}; {size}"
