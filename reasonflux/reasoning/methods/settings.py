"""Settings of methods are checked when a method is made."""

from collections.abc import Sequence

from reasonflux.errors import BadInput
from reasonflux.reasoning.methods.tools import Method


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
