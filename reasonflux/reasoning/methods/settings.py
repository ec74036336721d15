"""Settings of methods are checked when a method is made, its prompts before it is used."""

from collections.abc import Sequence

from reasonflux.errors import BadInput
from reasonflux.reasoning.methods.tools import Method
from reasonflux.reasoning.prompt_set import PromptSet

OPTIONAL = ("adjust", "instruct", "answer")  # prompts that are asked with where the set has them


def require(method: Method, **least: float) -> None:
    """Raises `BadInput` for a setting below its least value; a setting that is None has no bound to check."""
    for name, value in least.items():
        given = getattr(method, name)
        if given is not None and not given >= value:
            raise BadInput(f"method {method.name}: {name} is {given}", f"Give {value} or more")


def require_choice(method: Method, name: str, choices: Sequence[str]) -> None:
    """Raises `BadInput` for a setting that is none of `choices`."""
    if getattr(method, name) not in choices:
        what = f"method {method.name}: {name} is {getattr(method, name)!r}"
        raise BadInput(what, f"Give one of {', '.join(choices)}")


def require_prompts(method: Method, prompts: PromptSet) -> None:
    """Raises `BadInput` where the set lacks a prompt that the method cannot do without."""
    missing = [name for name in method.prompts if name not in prompts.sources and name not in OPTIONAL]
    if missing:
        names = ", ".join(f"{name}.jinja" for name in missing)
        what = f"method {method.name} needs {names}, which the prompt set lacks"
        raise BadInput(what, f"It has: {', '.join(sorted(prompts.sources))}")
