"""Settings of methods are checked when a method is made."""

from reasonflux.errors import BadInput
from reasonflux.reasoning.methods.tools import Method


def require(method: Method, **least: float) -> None:
    """Raises `BadInput` for a setting below its least value; a setting that is None has no bound to check."""
    for name, value in least.items():
        given = getattr(method, name)
        if given is not None and given < value:
            raise BadInput(f"method {method.name}: {name} is {given}", f"Give {value} or more")
