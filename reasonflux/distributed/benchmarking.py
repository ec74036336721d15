"""A benchmark run's algorithms bound to shards: what one task or one worker does, given everything in a `Bound`.

trials-MODEL      problem × method × sample, the work items; a shard holds problems of one benchmark
solutions-MODEL   what each method made of them
samples-MODEL     the same, graded: the results

A shard's number means the same problems for every model.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from reasonflux.config import RetrievalConfig
from reasonflux.distributed.engine_client import EngineClient
from reasonflux.distributed.gathering import Gathering
from reasonflux.distributed.roles import URLS
from reasonflux.endpoint import Endpoint
from reasonflux.evals.samples import Provenance, Sample, Solved, Trial, graded_text, sample_of
from reasonflux.evals.sampling_protocols import SamplingProtocol
from reasonflux.evals.suite import BenchmarkJob
from reasonflux.identity import digest
from reasonflux.library.load import TemplateLibrary
from reasonflux.library.resolve import Resolver
from reasonflux.library.retrieval import open_retrieval
from reasonflux.protocols import Completion, Generate, Grade, Grading, Request, Retrieve
from reasonflux.reasoning.methods import Role, Tools
from reasonflux.reasoning.methods.session import solution_id
from reasonflux.reasoning.parsing import PlanFormat
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.records import Problem, Verdict
from reasonflux.rewards.graders import GRADERS
from reasonflux.rewards.judge import judge
from reasonflux.rewards.verifier import Verifier
from reasonflux.storage.lease import Fence
from reasonflux.storage.run import Run
from reasonflux.storage.stage import Stage
from reasonflux.testbed.given_plans import known_templates

UNGRADED = Grading(verdict=Verdict.ERROR, answer="", seconds=0.0, message="the solution failed")


@dataclass(frozen=True, kw_only=True)
class System:
    """One evaluated model with all that is loaded for it; picklable."""

    prompts: PromptSet
    plan_format: PlanFormat
    library: TemplateLibrary | None
    retrieval: RetrievalConfig | None
    navigator: str  # digest of the checkpoint
    reasoner: str

    @property
    def provenance(self) -> Provenance:
        """What its solutions come from."""
        return Provenance(
            navigator=self.navigator,
            reasoner=self.reasoner,
            prompts=self.prompts.digest,
            library=self.library_digest,
        )

    @property
    def library_digest(self) -> str:
        """Of the library and of how it is searched."""
        if self.library is None:
            return ""
        return digest(self.library.digest, self.retrieval.model_dump(mode="json") if self.retrieval else None)

    def tools(self, navigator: Generate, reasoner: Generate, protocol: SamplingProtocol) -> Tools:
        """What methods get, without retrieval and grading: their identity does not ask for these."""
        binds = self.library is not None and self.plan_format == "templates"
        return Tools(
            navigator=Role(generate=navigator, sampling=protocol.navigator, checkpoint=self.navigator),
            reasoner=Role(generate=reasoner, sampling=protocol.reasoner, checkpoint=self.reasoner),
            prompts=self.prompts,
            plan_format=self.plan_format,
            resolver=Resolver(self.library) if self.library and binds else None,
            library=self.library_digest,
        )


@dataclass(frozen=True, kw_only=True)
class Bound:
    """What every task of a run needs; small, frozen and picklable."""

    config: BenchmarkJob
    run: Run
    fence: Fence
    systems: Mapping[str, System]  # by model
    judge: str  # digest of its checkpoint; empty where none is asked
    judge_prompts: PromptSet | None

    def trials(self, model: str) -> Stage[Trial]:
        """The work items of one model."""
        return self.run.stage(f"trials-{model}", Trial, self.fence)

    def solutions(self, model: str) -> Stage[Solved]:
        """What became of them."""
        return self.run.stage(f"solutions-{model}", Solved, self.fence)

    def samples(self, model: str) -> Stage[Sample]:
        """The same, graded."""
        return self.run.stage(f"samples-{model}", Sample, self.fence)

    def tools(self, model: str, benchmark: str, navigator: Generate, reasoner: Generate) -> Tools:
        """What methods get for one model on one benchmark."""
        return self.systems[model].tools(navigator, reasoner, self.config.benchmarks[benchmark].sampling)


def chunks(bound: Bound, problems: Mapping[str, Sequence[Problem]]) -> Iterator[tuple[str, Sequence[Problem]]]:
    """Shards: some problems of one benchmark each, benchmark after benchmark."""
    size = bound.config.stream.shard_problems
    for benchmark, own in problems.items():
        for start in range(0, len(own), size):
            yield benchmark, own[start : start + size]


def expand_trials(bound: Bound, model: str, benchmark: str, problems: Sequence[Problem]) -> list[Trial]:
    """Problem × method × sample. A trial's id follows from its solution's: all that determines it, and the benchmark.

    More samples keep the ids of the first ones.
    """
    config = bound.config
    tools = bound.tools(model, benchmark, _nobody, _nobody)
    named = config.built_methods()
    return [
        Trial(
            id=digest("trial", benchmark, model, name, solution_id(method, problem, drawn)),
            benchmark=benchmark,
            grader=config.benchmarks[benchmark].grader_name,
            model=model,
            method=name,
            index=index,
            problem=problem,
        )
        for index in range(config.benchmarks[benchmark].sampling.samples)
        for drawn in [replace(tools, draw=(config.seed, index))]
        for name, method in named.items()
        for problem in problems
    ]


class SolvingWorker:
    """Solutions for trials, many at once; their requests travel together."""

    def __init__(self, bound: Bound, model: str, navigator: Generate, reasoner: Generate) -> None:
        self._bound, self._model = bound, model
        self._generate = (navigator, reasoner)
        self._methods = bound.config.built_methods()
        self._tools: dict[str, Tools] = {}  # by benchmark
        self._graders = Graders(bound.config)

    async def __call__(self, rows: list[Trial]) -> list[Solved]:
        return list(await asyncio.gather(*[self._solve(trial) for trial in rows]))

    async def _solve(self, trial: Trial) -> Solved:
        tools = replace(self._for(trial), draw=(self._bound.config.seed, trial.index))
        solution = await self._methods[trial.method](trial.problem, tools)
        return Solved(id=trial.id, trial=trial, solution=solution, failure=solution.failure)

    def _for(self, trial: Trial) -> Tools:
        if trial.benchmark not in self._tools:
            tools = self._bound.tools(self._model, trial.benchmark, *self._generate)
            self._tools[trial.benchmark] = replace(
                tools, retrieve=self._retrieve, grade=self._graders.of(trial.grader), known=known_templates
            )
        return self._tools[trial.benchmark]

    @cached_property
    def _retrieve(self) -> Retrieve | None:
        system = self._bound.systems[self._model]
        return open_retrieval(system.library, system.retrieval) if system.library and system.retrieval else None


class GradingWorker:
    """Samples for solutions: the grader's verdict, and beside it the judge's opinion where one is asked."""

    def __init__(self, bound: Bound, model: str, judging: Generate | None) -> None:
        self._bound, self._judging = bound, judging
        self._provenance = bound.systems[model].provenance
        self._graders = Graders(bound.config)

    async def __call__(self, rows: list[Solved]) -> list[Sample]:
        gradings: list[Grading] = [UNGRADED] * len(rows)
        for grader in {solved.trial.grader for solved in rows}:
            places = [
                place for place, solved in enumerate(rows) if solved.trial.grader == grader and solved.failure is None
            ]
            items = [(graded_text(rows[place].solution)[0], rows[place].trial.problem.gold) for place in places]
            for place, grading in zip(places, await self._graders.of(grader)(items), strict=True):
                gradings[place] = grading
        opinions = await self._opinions(rows, gradings)
        return [
            sample_of(solved, grading, opinion, self._provenance)
            for solved, grading, opinion in zip(rows, gradings, opinions, strict=True)
        ]

    async def _opinions(self, rows: Sequence[Solved], gradings: Sequence[Grading]) -> list[str]:
        """The judge's, where there is an answer to judge."""
        opinions = [""] * len(rows)
        prompts = self._bound.judge_prompts
        if self._judging is None or prompts is None:
            return opinions
        places = [place for place, grading in enumerate(gradings) if grading.answer]
        items = [
            (rows[place].trial.problem.text, rows[place].trial.problem.gold, gradings[place].answer) for place in places
        ]
        judged = await judge(items, self._judging, prompts, self._bound.judge)
        for place, opinion in zip(places, judged, strict=True):
            opinions[place] = opinion
        return opinions


class Graders:
    """Verifiers by grader's name, each made when it is first asked for."""

    def __init__(self, config: BenchmarkJob) -> None:
        self._config = config
        self._made: dict[str, Verifier] = {}

    def of(self, name: str) -> Grade:
        """The verifier of one grader; its processes start with the first text."""
        if name not in self._made:
            self._made[name] = Verifier(self._config.verifier, GRADERS[name])
        return self._made[name]


def solving_worker(bound: Bound, model: str, navigator: str, reasoner: str) -> SolvingWorker:
    """Made inside the actor: a client belongs to its process. `navigator` and `reasoner`: applications or endpoints."""
    clients = {name: _gathered(bound, name) for name in dict.fromkeys((navigator, reasoner))}
    return SolvingWorker(bound, model, clients[navigator], clients[reasoner])


def grading_worker(bound: Bound, model: str, judging: str | None) -> GradingWorker:
    """Made inside the actor; `judging` is the judge's application or endpoint."""
    return GradingWorker(bound, model, _gathered(bound, judging) if judging else None)


def seal(bound: Bound, model: str, graded: bool, shard: int) -> dict[str, Any]:
    """Seals a shard of solutions, or of samples: expected − committed = ∅."""
    trials, target = bound.trials(model), bound.samples(model) if graded else bound.solutions(model)
    expected = trials.read(shard, columns=["id"])["id"].to_pylist()
    return {"shard": shard, "rows": target.seal(shard, expected, {}).rows}


def _gathered(bound: Bound, application: str) -> Generate:
    stream = bound.config.stream
    if application.startswith(URLS):
        url, _, model = application.partition("#")
        return Endpoint(model, url, deadline_s=stream.call_deadline_s)
    client = EngineClient(application, attempts=stream.call_attempts, deadline_s=stream.call_deadline_s)
    return Gathering(client.warm_up().stream, rows=stream.rows_per_part)


async def _nobody(requests: Sequence[Request]) -> list[Completion]:
    raise AssertionError("trials are expanded without an engine")
