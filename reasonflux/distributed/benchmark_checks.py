"""What of a suite can be known to be wrong before an engine starts, and what the run and `--plan` go on with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from reasonflux.cluster_plan import ClusterPlan, one_after_the_other
from reasonflux.clusters import Cluster
from reasonflux.config import EngineSpec
from reasonflux.configuring import resolve_model
from reasonflux.distributed.benchmarking import System
from reasonflux.distributed.engine_options import check_engine
from reasonflux.distributed.places import named_places
from reasonflux.distributed.preflight import placed, told_for, weights_of
from reasonflux.distributed.runtime import check_root
from reasonflux.distributed.sampling import check_sampling
from reasonflux.distributed.stream import CLIENT_CPUS
from reasonflux.evals.asking import Asked, asked_of, judged
from reasonflux.evals.benchmark_problems import Expected, LoadedBenchmark, expected_problems, load_benchmark
from reasonflux.evals.suite import BenchmarkJob
from reasonflux.fitting import Architecture
from reasonflux.library.load import TemplateLibrary, load_library
from reasonflux.planning import EnginePlan, JobPlan, StagePlan, Weights
from reasonflux.reasoning.methods.settings import require_prompts
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.records import Problem
from reasonflux.rewards.judge import judge_prompts
from reasonflux.uris import check_endpoint, check_places

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

    def plan(self, cluster: Cluster | None = None) -> JobPlan:
        """What a run would do, and where on a described cluster; nothing is started, and of the Hub nothing is read.

        Raises `BadInput` for what the cluster cannot hold.
        """
        config, specs = self.config, specs_of(self.config)
        weights = {key: weights_of(spec) for key, spec in specs.items()}
        contexts = {key: _context(spec, weights[key]) for key, spec in specs.items()}
        expected = {name: expected_problems(one, config.seed) for name, one in config.benchmarks.items()}
        asked = {model: self._asked(model, expected, contexts) for model in config.models}
        judging = self._judged(expected, sum(one.solutions for each in asked.values() for one in each))
        return JobPlan(
            name=config.name,
            stages=(*(one.stage for each in asked.values() for one in each), *judging),
            engines={key: EnginePlan.of(spec, weights[key]) for key, spec in specs.items()},
            cluster=None if cluster is None else _places(config, cluster, weights, asked, judging),
        )

    def _asked(
        self, model: str, expected: Mapping[str, Expected], contexts: Mapping[str, int | None]
    ) -> tuple[Asked, ...]:
        """What a model is asked for, by benchmark and method."""
        navigator, reasoner = engine_keys(self.config, model)
        return tuple(
            asked_of(
                f"{benchmark}: {name}, {model}",
                method,
                suite.sampling,
                expected[benchmark],
                self.prompts[model],
                {"navigator": navigator, "reasoner": reasoner},
                contexts,
            )
            for benchmark, suite in self.config.benchmarks.items()
            for name, method in self.config.built_methods().items()
        )

    def _judged(self, expected: Mapping[str, Expected], solutions: int) -> tuple[StagePlan, ...]:
        judge = self.config.judge
        if judge is None:
            return ()
        longest = max(expected.values(), key=lambda one: one.mean_characters)
        return (judged(solutions, longest, judge_prompts(), judge if isinstance(judge, str) else JUDGE),)


def _context(spec: EngineSpec, weights: Weights | None) -> int | None:
    """Tokens of one sequence at most; None where the model cannot be read from here and its spec does not say."""
    model = Architecture.of(weights.config) if weights else None
    return spec.max_model_len or (model.context if model else None)


def _places(
    config: BenchmarkJob,
    cluster: Cluster,
    weights: Mapping[str, Weights | None],
    asked: Mapping[str, Sequence[Asked]],
    judging: Sequence[StagePlan],
) -> ClusterPlan:
    """One model's engines after the other's, and the judge's last; an endpoint's machines are somebody else's."""
    specs = specs_of(config)
    turns: list[tuple[str, tuple[str, ...], Sequence[StagePlan]]] = [
        (model, engine_keys(config, model), [role for one in each for role in one.roles])
        for model, each in asked.items()
    ]
    beside = config.stream.clients * CLIENT_CPUS + config.verifier.processes
    plans = {}
    for turn, keys, stages in (*turns, (JUDGE, (JUDGE,), judging)):
        ours = {key: specs[key] for key in keys if key in specs}
        if ours:
            here = [stage for stage in stages if stage.engine in ours]
            plans[turn] = placed(cluster, ours, weights, here, beside)
    return one_after_the_other(cluster, plans)


def _endpoints(config: BenchmarkJob) -> dict[str, str]:
    """Engines of somebody else's, by setting."""
    named: dict[str, Any] = {"judge": config.judge}
    for name, model in config.models.items():
        named |= {f"models.{name}.navigator": model.navigator, f"models.{name}.reasoner": model.reasoner_spec}
    return {setting: engine for setting, engine in named.items() if isinstance(engine, str)}


def check_benchmarks(config: BenchmarkJob) -> Checked:
    """Checks a suite and all that it reads but its problems; raises `BadInput`."""
    check_places(named_places(config))
    for setting, url in _endpoints(config).items():
        check_endpoint(setting, url)
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
