"""YAML and the command line into a config, with every mistake named at once.

OmegaConf reads both: the file (safe YAML, double keys refused) and the dotted overrides (`sampling.trajectories=8`,
the value in YAML), so that a value is written alike in either place; `${oc.env:NAME}` takes an environment variable,
`???` marks what the user has to fill in. pydantic then says what is allowed.
"""

import types
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin

import yaml
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from reasonflux.errors import BadInput

TESTBED_MODELS = Path(__file__).parent / "testbed" / "models"
TESTBED_PREFIX = "testbed:"
SURE = 0.8  # likeness of two spellings, of 1, above which one is taken for the other

M = TypeVar("M", bound=BaseModel)


def load_config(model: type[M], path: str | Path, overrides: Sequence[str] = ()) -> M:
    """The YAML file at `path` with `overrides` (`key.key=value`, later ones win) laid over it, as a `model`.

    Raises `BadInput` once for all that is wrong: an unreadable file, a syntax error (with its line), and one line for
    each unknown key, missing value or value that is not allowed.
    """
    config = _read(Path(path))
    for override in overrides:
        _apply(config, override)
    try:
        values = OmegaConf.to_container(config, resolve=True)
        unset = sorted(OmegaConf.missing_keys(config))
    except OmegaConfBaseException as error:
        raise BadInput(f"{path}: {_problem(error)}", "Check what stands between ${ and }") from error
    if unset:
        raise BadInput(f"{path}: {', '.join(unset)} is not set", f"Add --set {unset[0]}=VALUE or write it in the file")
    try:
        return model.model_validate(values)
    except ValidationError as error:
        lines = _lines(model, values, error)
        if len(lines) == 1:
            raise BadInput(f"{path}: {lines[0]}") from error
        raise BadInput(f"{path}: {len(lines)} mistakes", "\n  ".join(["Mend them:", *lines])) from error


def dump_config(config: BaseModel) -> str:
    """Canonical YAML of a config: every default written out, fields in the model's order, free keys sorted.

    Equal configs give equal text, and `load_config` reads it back to an equal config.
    """
    return yaml.safe_dump(_plain(config), sort_keys=False, width=120)


def resolve_model(model: str) -> str:
    """`testbed:NAME` as the directory of that model of the testbed; every other model as it is."""
    if not model.startswith(TESTBED_PREFIX):
        return model
    name = model.removeprefix(TESTBED_PREFIX)
    known = sorted(path.name for path in TESTBED_MODELS.iterdir() if path.is_dir())
    if name not in known:
        has = ", ".join(TESTBED_PREFIX + one for one in known)
        raise BadInput(f"the testbed has no model {name!r}", f"It has: {has}")
    return str(TESTBED_MODELS / name)


def _read(path: Path) -> DictConfig:
    try:
        config = OmegaConf.load(path)
    except FileNotFoundError as error:
        raise BadInput(f"there is no config file {path}", "Name one of jobs/configs, or your own") from error
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise BadInput(
            f"the config file {path} cannot be read: {why}", "Name a YAML file of keys and values"
        ) from error
    except (yaml.YAMLError, OmegaConfBaseException) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise BadInput(f"{path}{line}: {_problem(error)}", "Mend the YAML") from error
    if not isinstance(config, DictConfig):
        raise BadInput(f"{path} does not hold keys and values", "Begin with `name: …`; see jobs/configs/testbed.yaml")
    return config


def _apply(config: DictConfig, override: str) -> None:
    key, equals, _ = override.partition("=")
    if not equals or not all(key.split(".")):
        raise BadInput(f"--set {override}: not of the form key=value", "Write it like --set sampling.trajectories=8")
    try:
        config.merge_with_dotlist([override])
    except (yaml.YAMLError, OmegaConfBaseException) as error:
        raise BadInput(f"--set {override}: {_problem(error)}", "Quote the value as YAML wants it") from error


def _problem(error: Exception) -> str:
    """What is wrong, on one line and without the place."""
    return getattr(error, "problem", None) or str(error).splitlines()[0]


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return {name: _plain(item) for name, item in value}
    if isinstance(value, Mapping):
        return {_plain(key): _plain(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.value if isinstance(value, Enum) else value


def _lines(model: type[BaseModel], values: Any, error: ValidationError) -> list[str]:
    """One line for each place that is wrong."""
    found: dict[str, list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        found.setdefault(".".join(_keys(detail, values)), []).append(detail)
    lines = []
    for place, details in found.items():
        inside = any(other.startswith(f"{place}.") for other in found)
        if inside and all(_wants_other_kind(detail) for detail in details):
            continue  # the other arm of a union, where the arm that was meant has said more
        lines.append(_line(model, place, details))
    return lines


def _keys(detail: ErrorDetails, values: Any) -> Iterator[str]:
    """The keys of an error's place as the user wrote them: pydantic puts the arms of a union between them."""
    last = len(detail["loc"]) - 1
    for index, key in enumerate(detail["loc"]):
        inside = isinstance(values, list) and isinstance(key, int) and key < len(values)
        if inside or (isinstance(values, dict) and key in values):
            values = values[key]
        elif not (index == last and detail["type"] == "missing"):
            continue
        yield str(key)


def _wants_other_kind(detail: ErrorDetails) -> bool:
    return isinstance(detail["input"], dict) and detail["type"] in ("literal_error", "string_type")


def _line(model: type[BaseModel], place: str, details: list[ErrorDetails]) -> str:
    kind = details[0]["type"]
    if kind == "extra_forbidden":
        return f"{place}: unknown key; {_nearest(model, place)}"
    if kind == "missing":
        return f"{place}: is missing; add --set {place}=VALUE or write it in the file"
    allowed = " or ".join(dict.fromkeys(map(_allowed, details)))
    if not place:
        return allowed
    given = repr(details[0]["input"])
    return f"{place}: got {given if len(given) <= 80 else given[:77] + '...'}; {allowed}"


def _allowed(detail: ErrorDetails) -> str:
    if detail["type"] == "model_type":
        return "should hold keys and values"
    if detail["type"] == "string_type" and isinstance(detail["input"], int | float):
        return f"should be a string, in YAML's quotes: '{detail['input']}'"
    return detail["msg"].removeprefix("Value error, ").removeprefix("Input ")


def _nearest(model: type[BaseModel], place: str) -> str:
    """What was probably meant: a neighbour of like spelling, a key of that name elsewhere, or one that is passed on."""
    parent, _, key = place.rpartition(".")
    fields = dict(_fields(model))
    siblings = {name.rpartition(".")[2]: name for name in fields if name.rpartition(".")[0] == parent}
    elsewhere = {name.rpartition(".")[2]: name for name in reversed(fields)}
    free = [name for name in siblings.values() if get_origin(fields[name]) is dict]
    hint = f" What vLLM alone knows goes under {free[0]}" if free else ""
    if close := get_close_matches(key, siblings, n=1, cutoff=SURE):
        return f"did you mean {siblings[close[0]]}?"
    if close := get_close_matches(key, siblings, n=1):
        return f"did you mean {siblings[close[0]]}?{hint}"
    if close := get_close_matches(key, elsewhere, n=1, cutoff=SURE):
        return f"did you mean {elsewhere[close[0]]}?{hint}"
    return f"{parent or 'the config'} has {', '.join(siblings)}{'.' if hint else ''}{hint}"


def _fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every dotted key of a config and its annotation, whatever arm of a union it stands in."""
    for name, field in model.model_fields.items():
        yield prefix + name, field.annotation
        for arm in _arms(field.annotation):
            yield from _fields(arm, f"{prefix}{name}.")


def _arms(annotation: Any) -> list[type[BaseModel]]:
    arms = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
    return [arm for arm in arms if isinstance(arm, type) and issubclass(arm, BaseModel)]
