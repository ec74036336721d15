"""A run's results: what ran, the figures of every (benchmark, model, method), and what they cost.

results.json                                        this record; comes last
results/samples/MODEL/BENCHMARK/METHOD.parquet      every sample, with its whole trajectory (`samples.Sample`)
results/lm_eval/MODEL/samples_….jsonl               as lm-evaluation-harness logs samples
results/inspect/….eval                              as inspect_ai logs them, for `inspect view --log-dir`
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Protocol

from rich.table import Table

from reasonflux.arrow import from_table, schema_of
from reasonflux.config import EngineSpec
from reasonflux.errors import BadInput
from reasonflux.evals.metrics import Estimate, Score, group, score
from reasonflux.evals.samples import Mark, Provenance, Sample
from reasonflux.evals.suite import BenchmarkJob
from reasonflux.identity import digest
from reasonflux.reasoning.methods.best_of_n import BestOfN
from reasonflux.records import Verdict
from reasonflux.storage.manifests import versions
from reasonflux.storage.run import Run
from reasonflux.storage.stage import Stage

FILE = "results.json"


class Evaluated(Protocol):
    """What results ask of an evaluated model."""

    @property
    def provenance(self) -> Provenance:
        """Its digests."""
        ...


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What solving cost, one model's or the sum of executions; an execution that was killed in it is not counted."""

    seconds: float = 0.0  # engines up, rows in flight
    gpu_seconds: float = 0.0  # seconds × GPUs of navigator and reasoner; 0 on CPUs
    solutions: int = 0
    output_tokens: int = 0

    @classmethod
    def of(cls, specs: Iterable[EngineSpec], *, seconds: float, solutions: int, output_tokens: int) -> "Cost":
        """Of one execution: `specs` are the engines that were up, each once, at their configured replicas."""
        gpus = sum(
            spec.tensor_parallel * spec.pipeline_parallel * spec.replicas for spec in specs if spec.device == "gpu"
        )
        return cls(seconds=seconds, gpu_seconds=seconds * gpus, solutions=solutions, output_tokens=output_tokens)

    @classmethod
    def sum(cls, costs: Iterable[Mapping[str, Any]]) -> "Cost":
        """Of several executions, as they are stored."""
        found = list(costs)
        return cls(**{field.name: sum(cost[field.name] for cost in found) for field in fields(cls)})

    def to_bytes(self) -> bytes:
        """For a file."""
        return json.dumps(asdict(self)).encode()


@dataclass(frozen=True, kw_only=True)
class Results:
    """All figures of one run, in plain values but for the scores."""

    name: str
    started: str  # UTC
    seed: int
    versions: dict[str, str]
    benchmarks: dict[str, dict[str, Any]]  # problems, digest, whether verified, rows without gold, grader, sampling
    models: dict[str, dict[str, Any]]  # digests, names of the models, cost
    methods: dict[str, dict[str, Any]]  # settings; `ceiling` where the method sees the gold answer
    judge: str  # its model; empty where none was asked
    scores: tuple[Score, ...]

    @classmethod
    def of(
        cls,
        config: BenchmarkJob,
        facts: Mapping[str, dict[str, Any]],
        models: Mapping[str, Evaluated],
        marks: Iterable[Mark],
        costs: Mapping[str, Cost],
        started: str,
    ) -> "Results":
        """Scores every (benchmark, model, method), in the suite's order; raises `BadInput` as `score` does."""
        cells = group(marks)
        return cls(
            name=config.name,
            started=started,
            seed=config.seed,
            versions=versions(),
            benchmarks=dict(facts),
            models={
                name: {
                    "names": {"navigator": named(model.navigator), "reasoner": named(model.reasoner_spec)},
                    "digests": asdict(models[name].provenance),
                    "cost": asdict(costs[name]),
                }
                for name, model in config.models.items()
            },
            methods={
                name: {
                    "method": method.name,
                    "settings": asdict(method),  # type: ignore[call-overload]  # a method is a frozen record
                    "ceiling": isinstance(method, BestOfN) and method.select == "oracle",
                }
                for name, method in config.built_methods().items()
            },
            judge=named(config.judge) if config.judge else "",
            scores=tuple(score(cells[cell]) for cell in _cells(config) if cell in cells),
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values, each score with its share of its model's GPU time."""
        values = asdict(self)
        for plain, one in zip(values["scores"], self.scores, strict=True):
            plain["gpu_seconds"] = self.gpu_seconds(one)
        return values

    @property
    def digest(self) -> str:
        """Of everything but the cost, which another execution would change."""
        return digest(self.name, self.benchmarks, self.methods, [_bare(one) for one in self.scores])

    def gpu_seconds(self, one: Score) -> float:
        """The GPU time of a score's model, shared out by the tokens that its engines had to compute."""
        own = [other for other in self.scores if other.model == one.model]
        total = sum(_computed(other) for other in own)
        spent: float = self.models[one.model]["cost"]["gpu_seconds"]
        return spent * _computed(one) / total if total else 0.0

    def write(self, run: Run) -> None:
        """Writes `results.json`, unless it stands there."""
        run.store.create(FILE, (json.dumps(self.to_json(), indent=1, ensure_ascii=False) + "\n").encode())

    @classmethod
    def read(cls, run: Run) -> "Results":
        """The results of a run; raises `BadInput` where there are none."""
        data = run.store.get(FILE)
        if data is None:
            raise BadInput(f"{run.store.uri} has no {FILE}", "Name the directory of a finished benchmark run")
        values = json.loads(data)
        return cls(**values | {"scores": tuple(map(_score, values["scores"]))})

    def table(self) -> Table:
        """The scores, for people."""
        shown = Table(title=f"{self.name}: pass@1 with 95% intervals over problems", title_justify="left")
        for column in ("benchmark", "model", "method"):
            shown.add_column(column, no_wrap=True, overflow="fold")
        for column in ("problems × n", "pass@1 %", "majority %", "cut, unread, failed", "tokens", "s"):
            shown.add_column(column, justify="right", no_wrap=column in ("problems × n", "pass@1 %"))
        for one in self.scores:
            rate, ceiling = one.pass_at_1, self.methods[one.method]["ceiling"]
            unread = [one.verdicts[verdict] for verdict in (Verdict.TRUNCATED, Verdict.UNPARSED, Verdict.ERROR)]
            shown.add_row(
                *(one.benchmark, one.model, one.method + (" (ceiling)" if ceiling else "")),
                f"{one.problems:,} × {one.samples}",
                f"{100 * rate.mean:.1f} ({100 * rate.low:.1f} to {100 * rate.high:.1f})",
                f"{100 * one.majority_at[one.samples]:.1f}",
                ", ".join(f"{count:,}" for count in unread),
                *(f"{one.tokens_a_solution:,.0f}", f"{one.seconds:.1f}"),
            )
        return shown

    def words(self) -> tuple[str, ...]:
        """What the table does not hold: copies that are not known ones, and what the judge said."""
        lines = [
            f"{name}: this copy is not a known one ({facts['digest']})"
            for name, facts in self.benchmarks.items()
            if facts["verified"] is False
        ]
        judged = sum(one.judged for one in self.scores)
        if judged:
            apart = sum(one.disagreements for one in self.scores)
            lines.append(f"judge and grader disagree on {apart:,} of {judged:,} answers")
        return tuple(lines)


def _cells(config: BenchmarkJob) -> Iterator[tuple[str, str, str]]:
    for benchmark in config.benchmarks:
        for model in config.models:
            for method in config.methods:
                yield benchmark, model, method


def named(spec: EngineSpec | str) -> str:
    """A model's name, or its endpoint's."""
    return spec if isinstance(spec, str) else spec.model


def read_marks(stage: Stage[Sample], shards: int) -> list[Mark]:
    """The numbers of a model's samples, without their texts."""
    columns = schema_of(Mark).names
    return [mark for shard in range(shards) for mark in from_table(Mark, stage.read(shard, columns))]


def marks_of(run: Run) -> dict[tuple[str, str, str], list[Mark]]:
    """Every sample of a finished run by (benchmark, model, method)."""
    results = Results.read(run)
    found: list[Mark] = []
    for model in results.models:
        stage = run.stage(f"samples-{model}", Sample)
        found += read_marks(stage, stage.finished_shards("Let the run end first"))
    return dict(group(found))


def _computed(one: Score) -> float:
    """Tokens that engines had to compute, mean of a solution times solutions: prompts that were cached are left out."""
    mean = sum(spent["prompt"] - spent["cached"] + spent["output"] for spent in one.tokens.values())
    return mean * one.problems * one.samples


def _score(values: Mapping[str, Any]) -> Score:
    """A score out of JSON, whose keys are strings."""
    plain = {key: value for key, value in values.items() if key != "gpu_seconds"}
    counted = {key: {int(k): share for k, share in plain[key].items()} for key in ("pass_at", "majority_at")}
    return Score(**plain | counted | {"pass_at_1": Estimate(**plain["pass_at_1"])})


def _bare(one: Score) -> dict[str, Any]:
    """A score without its times, as JSON holds it."""
    values: dict[str, Any] = json.loads(json.dumps(one.to_json()))
    return {key: value for key, value in values.items() if key != "seconds"}
