"""Which settings of a job name paths of this machine: they mean something else, or nothing, on another."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from reasonflux.config import ProblemSource
from reasonflux.reasoning.prompt_set import shipped_sets

# Last parts of settings, in any config, and in whatever section they stand.
PLACES = (
    *("root", "dataset", "output_root", "path", "model", "base", "data", "library", "matcher", "prompts", "rounds"),
    "candidate",
)
OUTPUTS = ("output.root", "output.dataset", "output_root")
SEEN_BY_EVERY_NODE = ("root", "output_root", "path", "model", "base", "candidate")  # the rest travels with the job


def named_places(config: BaseModel) -> dict[str, str]:
    """Every setting that names a path or URI, as it is written."""
    return {setting: place for setting, place in _leaves(config, "") if setting.rpartition(".")[2] in PLACES}


def local_places(config: BaseModel) -> dict[str, str]:
    """Paths by setting, as they are written: outputs, then inputs where there is such a file or directory."""
    found = {}
    for setting, place in sorted(named_places(config).items(), key=lambda item: item[0] not in OUTPUTS):
        shipped = place == "testbed" or (setting.endswith("prompts") and place in shipped_sets())
        there = setting in OUTPUTS or Path(place).expanduser().exists()
        if place and "://" not in place and there and not shipped:
            found[setting] = place
    return found


def shared_places(config: BaseModel) -> dict[str, str]:
    """Those of `local_places` that every node of a cluster reads or writes."""
    places = local_places(config)
    return {setting: places[setting] for setting in places if setting.rpartition(".")[2] in SEEN_BY_EVERY_NODE}


def _leaves(value: Any, setting: str) -> Iterator[tuple[str, str]]:
    """Every text of a config by its dotted setting."""
    if isinstance(value, str):
        yield setting, value
    elif isinstance(value, ProblemSource) and value.source == "hub":
        yield setting + ".path", f"hf://{value.path}"
    elif isinstance(value, BaseModel | dict):
        for name, item in value.items() if isinstance(value, dict) else value:
            yield from _leaves(item, f"{setting}.{name}" if setting else str(name))
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{setting}.{index}")
