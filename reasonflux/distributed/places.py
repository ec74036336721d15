"""Which settings of a job name paths of this machine: they mean something else, or nothing, on another."""

from pathlib import Path

from reasonflux.config import LibraryJob, PairsJob
from reasonflux.reasoning.prompt_set import shipped_sets

# The library and the prompts travel with the job, and the driver alone writes output.dataset.
SEEN_BY_EVERY_NODE = ("output.root", "problems.path", "navigator.model", "reasoner.model")


def named_places(config: PairsJob | LibraryJob) -> dict[str, str]:
    """Every setting that names a path or URI, as it is written."""
    places = {
        "output.root": config.output.root,
        "output.dataset": config.output.dataset or "",
        "problems.path": config.problems.path,
        "prompts": config.prompts or "",
    }
    if isinstance(config, LibraryJob):
        return places | {"proposer.model": config.proposer.model}
    reasoner = "" if isinstance(config.reasoner, str) else config.reasoner.model
    return places | {"library": config.library, "navigator.model": config.navigator.model, "reasoner.model": reasoner}


def local_places(config: PairsJob | LibraryJob) -> dict[str, str]:
    """Paths by setting, as they are written: outputs, and inputs where there is such a file or directory."""
    found = {}
    for setting, place in named_places(config).items():
        name = (setting == "library" and place == "testbed") or (setting == "prompts" and place in shipped_sets())
        there = setting.startswith("output.") or Path(place).expanduser().exists()
        if place and "://" not in place and there and not name:
            found[setting] = place
    return found


def shared_places(config: PairsJob) -> dict[str, str]:
    """Those of `local_places` that every node of a cluster reads or writes."""
    places = local_places(config)
    return {setting: places[setting] for setting in SEEN_BY_EVERY_NODE if setting in places}
