"""Everything that can be known to be wrong before an engine starts, found before Ray does anything.

Each check raises `BadInput` with one line and the remedy. What the checks learn (digests, rows, bytes) is what the run
and `--plan` go on with.
"""

from dataclasses import dataclass
from pathlib import Path

from reasonflux.config import EngineSpec, PairsJob
from reasonflux.configuring import resolve_model
from reasonflux.distributed.checkpoints import staging_bytes
from reasonflux.distributed.engine_options import check_engine
from reasonflux.distributed.engines import known_digest
from reasonflux.distributed.sampling import check_sampling
from reasonflux.errors import BadInput
from reasonflux.library.load import TemplateLibrary, load_library
from reasonflux.problems.checking import ProblemCheck, check_problems, check_similar
from reasonflux.reasoning.prompt_set import DEFAULT_DIRECTORY, PromptSet
from reasonflux.storage.store import Store


@dataclass(frozen=True, kw_only=True)
class Preflight:
    """What is known of a job before it starts."""

    config: PairsJob
    problems: ProblemCheck
    library: TemplateLibrary
    prompts: PromptSet
    navigator: str  # checkpoint digest
    reasoner: str
    weights_bytes: dict[str, int]  # by role, what each node stages
    root: Store


def specs_of(config: PairsJob) -> dict[str, EngineSpec]:
    """The engines of a job by role, models resolved; one when both roles share it."""
    specs = {"navigator": config.navigator}
    if isinstance(config.reasoner, EngineSpec):
        specs["reasoner"] = config.reasoner
    return {role: spec.model_copy(update={"model": resolve_model(spec.model)}) for role, spec in specs.items()}


def preflight(config: PairsJob) -> Preflight:
    """Checks a job's inputs; raises `BadInput`."""
    for sampling in (config.sampling.navigator, config.sampling.reasoner):
        check_sampling(sampling)
    check_similar(config.problems, config.similar)
    problems = check_problems(config.problems, config.seed)
    library = load_library(config.library, config.library_version)
    prompts = PromptSet.load(Path(config.prompts) if config.prompts else DEFAULT_DIRECTORY)
    for name in ("navigator", "reasoner"):
        if name not in prompts.sources:
            raise BadInput(f"the prompt set has no {name}.jinja", f"It has: {', '.join(sorted(prompts.sources))}")
    specs = specs_of(config)
    for spec in specs.values():
        check_engine(spec)
    digests = {role: known_digest(spec) for role, spec in specs.items()}
    root = Store.at(config.output.root)
    root.probe()
    if config.output.dataset is not None:
        Store.at(config.output.dataset).probe()
    return Preflight(
        config=config,
        problems=problems,
        library=library,
        prompts=prompts,
        navigator=digests["navigator"],
        reasoner=digests.get("reasoner", digests["navigator"]),
        weights_bytes={role: staging_bytes(spec) for role, spec in specs.items()},
        root=root,
    )
