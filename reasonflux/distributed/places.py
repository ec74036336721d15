"""Which settings of a job name paths of this machine: they mean something else, or nothing, on another."""

from collections.abc import Mapping
from pathlib import Path

from reasonflux.config import PairsJob
from reasonflux.reasoning.prompt_set import shipped_sets
from reasonflux.training.recipe import TrainingRecipe

# The library and the prompts travel with the job, and the driver alone writes output.dataset.
SEEN_BY_EVERY_NODE = ("output.root", "problems.path", "navigator.model", "reasoner.model", "output_root", "base")


def local_places(config: PairsJob | TrainingRecipe) -> dict[str, str]:
    """Paths by setting, as they are written: outputs, and inputs where there is such a file or directory."""
    if isinstance(config, TrainingRecipe):
        return _those_here(_of_training(config), {"output_root": config.output_root})
    outputs = {"output.root": config.output.root, "output.dataset": config.output.dataset or ""}
    inputs = {
        "problems.path": config.problems.path,
        "library": "" if config.library == "testbed" else config.library,
        "prompts": "" if config.prompts in shipped_sets() else config.prompts,
        "navigator.model": config.navigator.model,
        "reasoner.model": "" if isinstance(config.reasoner, str) else config.reasoner.model,
    }
    return _those_here(inputs, outputs)


def _of_training(recipe: TrainingRecipe) -> dict[str, str]:
    return {
        "base": recipe.base,
        "data": "" if recipe.data == "testbed" else recipe.data,
        "prompts": "" if recipe.prompts in shipped_sets() else recipe.prompts,
        "watch.library": "" if recipe.watch.library == "testbed" else recipe.watch.library,
    }


def _those_here(inputs: Mapping[str, str], outputs: Mapping[str, str]) -> dict[str, str]:
    there = {setting: place for setting, place in inputs.items() if place and Path(place).expanduser().exists()}
    return {setting: place for setting, place in ({**outputs, **there}).items() if place and "://" not in place}


def shared_places(config: PairsJob | TrainingRecipe) -> dict[str, str]:
    """Those of `local_places` that every node of a cluster reads or writes."""
    places = local_places(config)
    return {setting: places[setting] for setting in SEEN_BY_EVERY_NODE if setting in places}
