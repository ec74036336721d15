"""What of a suite can be known to be wrong before an engine starts, and what the run and `--plan` go on with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from reasonflux.config import EngineSpec
from reasonflux.configuring import resolve_model
from reasonflux.distributed.benchmarking import System
from reasonflux.distributed.engine_options import check_engine
from reasonflux.distributed.preflight import told_for, weights_of
from reasonflux.distributed.runtime import check_root
from reasonflux.distributed.sampling import check_sampling
from reasonflux.evals.benchmark_problems import LoadedBenchmark, expected_problems, load_benchmark
from reasonflux.evals.suite import BenchmarkJob
from reasonflux.library.load import TemplateLibrary, load_library
from reasonflux.planning import EnginePlan, JobPlan, StagePlan
from reasonflux.reasoning.methods.settings import require_prompts
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.records import Problem

JUDGE = "judge"


def specs_of(config: BenchmarkJob) -> dict[str, EngineSpec]:
    """The engines of a suite by key, models resolved; equal specs are one engine, under the first key.

    Endpoints are engines of somebody else's, and stand in `engine_keys` by themselves.
    """
    specs: dict[str, EngineSpec] = {}
    for name, model in config.models.items():
        for role, spec in (("navigator", model.navigator), ("reasoner", model.reasoner_spec)):
            if isinstance(spec, EngineSpec) and resolved(spec) not in specs.values():
                specs[f"{name}-{role}"] = resolved(spec)
    if isinstance(config.judge, EngineSpec):
        specs[JUDGE] = resolved(config.judge)
    return specs


def resolved(spec: EngineSpec) -> EngineSpec:
    """A spec with the directory of a model that it names by the testbed's name."""
    return spec.model_copy(update={"model": resolve_model(spec.model)})


def engine_keys(config: BenchmarkJob, model: str) -> tuple[str, str]:
    """The keys of a model's navigator and reasoner in `specs_of`; an endpoint's is its URL and model."""
    specs = specs_of(config)

    def key_of(spec: EngineSpec | str) -> str:
        return spec if isinstance(spec, str) else next(key for key, one in specs.items() if one == resolved(spec))

    evaluated = config.models[model]
    return key_of(evaluated.navigator), key_of(evaluated.reasoner_spec)


@dataclass(frozen=True)
class Checked:
    """A suite whose settings, prompts, libraries and engines are sound; its problems are read when asked for."""

    config: BenchmarkJob
    prompts: Mapping[str, PromptSet]  # by model
    libraries: Mapping[str, TemplateLibrary | None]

    @cached_property
    def loaded(self) -> dict[str, LoadedBenchmark]:
        """Every benchmark's problems, read once; raises `BadInput`."""
        return {
            name: load_benchmark(name, benchmark, self.config.seed)
            for name, benchmark in self.config.benchmarks.items()
        }

    def problems(self) -> dict[str, Sequence[Problem]]:
        """Problems by benchmark."""
        return {name: loaded.problems for name, loaded in self.loaded.items()}

    def facts(self) -> dict[str, dict[str, Any]]:
        """What stands beside each benchmark's results."""
        return {name: loaded.facts(self.config.benchmarks[name]) for name, loaded in self.loaded.items()}

    def systems(self, checkpoints: Mapping[str, str]) -> dict[str, System]:
        """The models with their checkpoints' digests, by engine key."""
        found = {}
        for name, model in self.config.models.items():
            navigator, reasoner = (checkpoints.get(key, key) for key in engine_keys(self.config, name))
            found[name] = System(
                prompts=self.prompts[name],
                plan_format=model.plan_format,
                library=self.libraries[name],
                retrieval=model.retrieval,
                navigator=navigator,
                reasoner=reasoner,
            )
        return found

    def plan(self) -> JobPlan:
        """What a run would do; nothing is started, and of the Hub nothing is read."""
        config = self.config
        stages = tuple(
            StagePlan(
                name=f"{benchmark}: {method}, {model}",
                rows=expected_problems(suite, config.seed) * suite.sampling.samples,
                engine=" + ".join(dict.fromkeys(engine_keys(config, model))),
            )
            for model in config.models
            for benchmark, suite in config.benchmarks.items()
            for method in config.methods
        )
        engines = {key: EnginePlan.of(spec, weights_of(spec)) for key, spec in specs_of(config).items()}
        return JobPlan(name=config.name, stages=stages, engines=engines)


def check_benchmarks(config: BenchmarkJob) -> Checked:
    """Checks a suite and all that it reads but its problems; raises `BadInput`."""
    check_root("output.root", config.output.root)
    for name, benchmark in config.benchmarks.items():
        for sampling in (benchmark.sampling.navigator, benchmark.sampling.reasoner):
            with told_for(f"benchmarks.{name}"):
                check_sampling(sampling)
    for key, spec in specs_of(config).items():
        with told_for(key):
            check_engine(spec)
    methods = config.built_methods()
    prompts, libraries = {}, {}
    for name, model in config.models.items():
        with told_for(f"models.{name}"):
            prompts[name] = PromptSet.load(model.prompts)
            for method in methods.values():
                require_prompts(method, prompts[name])
            libraries[name] = load_library(model.library) if model.library else None
    return Checked(config, prompts, libraries)
