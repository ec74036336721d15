"""Everything that can be known to be wrong before an engine starts, found before Ray does anything.

Each check raises `BadInput` with one line and the remedy: first what the config alone tells, then what has to be read,
then whether the run can write. What the checks learn (digests, rows, bytes) is what the run and `--plan` go on with.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from reasonflux.checkpoints import Unreachable, find_checkpoint
from reasonflux.cluster_plan import ClusterPlan, Wanted, plan_on
from reasonflux.clusters import Cluster
from reasonflux.config import EngineSpec, PairsJob
from reasonflux.configuring import resolve_model
from reasonflux.distributed.engine_options import check_engine, replica_bundles
from reasonflux.distributed.engines import known_digest
from reasonflux.distributed.places import named_places
from reasonflux.distributed.runtime import check_root
from reasonflux.distributed.sampling import check_sampling
from reasonflux.errors import BadInput
from reasonflux.library.load import TemplateLibrary, load_library
from reasonflux.planning import StagePlan, Weights
from reasonflux.problems.checking import ProblemCheck, check_problems, check_similar
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.records import Problem
from reasonflux.storage.probe import probe
from reasonflux.storage.store import Store
from reasonflux.uris import check_places

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What a job's config and all that it reads tell; nothing was started or written to know it."""

    config: PairsJob
    problems: ProblemCheck
    library: TemplateLibrary
    prompts: PromptSet
    weights: dict[str, Weights | None]  # by role; None where a model's source cannot be reached now


@dataclass(frozen=True, kw_only=True)
class Preflight(Inputs):
    """What is known of a job before it starts."""

    navigator: str  # checkpoint digest
    reasoner: str
    root: Store


def specs_of(config: PairsJob) -> dict[str, EngineSpec]:
    """The engines of a job by role, models resolved; one when both roles share it."""
    specs = {"navigator": config.navigator}
    if isinstance(config.reasoner, EngineSpec):
        specs["reasoner"] = config.reasoner
    return {role: spec.model_copy(update={"model": resolve_model(spec.model)}) for role, spec in specs.items()}


def check_inputs(config: PairsJob) -> Inputs:
    """Checks a job's config and what it reads; raises `BadInput`. A model's source alone may be out of reach."""
    check_places(named_places(config))
    check_root("output.root", config.output.root)
    check_root("output.dataset", config.output.dataset)
    for role, sampling in (("navigator", config.sampling.navigator), ("reasoner", config.sampling.reasoner)):
        with told_for(role):
            check_sampling(sampling)
    specs = specs_of(config)
    for role, spec in specs.items():
        with told_for(role):
            check_engine(spec)
    check_similar(config.problems, config.similar)
    prompts = _prompts(config.prompts)
    library = load_library(config.library, config.library_version)
    weights = {role: weights_of(spec) for role, spec in specs.items()}
    problems = check_problems(config.problems, config.seed, families=config.similar.provider == "family")
    if problems.rows > problems.problems:
        logger.info(
            "%d of %d rows are problems; left out: %d without a gold answer, %d that stand there before",
            *(problems.problems, problems.rows, problems.empty_gold, problems.duplicates),
        )
    return Inputs(config=config, problems=problems, library=library, prompts=prompts, weights=weights)


def preflight(config: PairsJob) -> Preflight:
    """Checks a job's inputs, that it can write, and its models' digests, which takes longest; raises `BadInput`."""
    inputs = check_inputs(config)
    root = Store.at(config.output.root)
    probe(root)
    if config.output.dataset is not None:
        probe(Store.at(config.output.dataset))
    digests = {role: known_digest(spec) for role, spec in specs_of(config).items()}
    reasoner = digests.get("reasoner", digests["navigator"])
    return Preflight(**vars(inputs), navigator=digests["navigator"], reasoner=reasoner, root=root)


def _prompts(name: str) -> PromptSet:
    """The prompts of both roles out of a set, tried on a problem."""
    prompts = PromptSet.load(name).only("navigator", "reasoner")
    problem = Problem(id="id", text="text", gold="gold", problem_set="set")
    for role, context in (("navigator", {}), ("reasoner", {"plan": "1. step"})):
        prompts.render(role, problem=problem, **context)
    return prompts


def weights_of(spec: EngineSpec) -> Weights | None:
    """Size and place of a spec's weights; None where their source cannot be reached now."""
    try:
        checkpoint = find_checkpoint(spec.model, spec.revision)
    except Unreachable:
        return None
    return Weights.of(checkpoint, copied=spec.load == "stage" and not checkpoint.local)


def placed(
    cluster: Cluster,
    specs: Mapping[str, EngineSpec],
    weights: Mapping[str, Weights | None],
    stages: Sequence[StagePlan],
    beside: float,
) -> ClusterPlan:
    """Engines by role, side by side on a described cluster; see `plan_on`."""
    wanted = [
        Wanted(role=role, spec=spec, bundles=tuple(replica_bundles(spec)), weights=weights[role])
        for role, spec in specs.items()
    ]
    return plan_on(cluster, wanted, stages, beside)


@contextmanager
def told_for(role: str) -> Iterator[None]:
    """Names the role, or the other part of a config, whose settings are wrong."""
    try:
        yield
    except BadInput as error:
        raise BadInput(f"{role}: {error.what}", error.remedy) from error
