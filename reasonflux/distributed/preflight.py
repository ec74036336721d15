"""Everything that can be known to be wrong before an engine starts, found before Ray does anything.

Each check raises `BadInput` with one line and the remedy. What the checks learn (digests, rows, bytes) is what the run
and `--plan` go on with.
"""

from dataclasses import dataclass
from pathlib import Path

from reasonflux.config import PairsJob
from reasonflux.configuring import resolve_model
from reasonflux.distributed.checkpoints import checkpoint_bytes, checkpoint_digest
from reasonflux.distributed.sampling_check import check_sampling
from reasonflux.errors import BadInput
from reasonflux.library.load import TemplateLibrary, load_library
from reasonflux.problems.checking import ProblemCheck, check_problems
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


def preflight(config: PairsJob) -> Preflight:
    """Checks a job's inputs; raises `BadInput`."""
    for sampling in (config.sampling.navigator, config.sampling.reasoner):
        check_sampling(sampling)
    problems = check_problems(config.problems, config.similar, config.seed)
    library = load_library(config.library, config.library_version)
    prompts = PromptSet.load(Path(config.prompts) if config.prompts else DEFAULT_DIRECTORY)
    for name in ("navigator", "reasoner"):
        if name not in prompts.sources:
            raise BadInput(f"the prompt set has no {name}.jinja", f"It has: {', '.join(sorted(prompts.sources))}")
    specs = {"navigator": config.navigator, "reasoner": config.reasoner_spec}
    digests, sizes = {}, {}
    for role, spec in specs.items():
        model = resolve_model(spec.model)
        digests[role] = checkpoint_digest(model, spec.revision)
        if spec.digest is not None and spec.digest != digests[role]:
            raise BadInput(
                f"{role}: {spec.model} has digest {digests[role]}, the config expects {spec.digest}",
                "Name the checkpoint that you mean, or take `digest` out of the config",
            )
        if role == "navigator" or not isinstance(config.reasoner, str):
            sizes[role] = checkpoint_bytes(model, spec.revision)
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
        reasoner=digests["reasoner"],
        weights_bytes=sizes,
        root=root,
    )
