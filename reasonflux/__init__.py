"""Batch evaluation and data generation on Ray for hierarchical reasoning over thought templates."""

from importlib import import_module
from typing import Any

__all__ = ["ReasonFlux"]  # see __getattr__
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`ReasonFlux` is loaded when it is asked for: importing the package loads no room, no Ray and no torch."""
    if name == "ReasonFlux":
        return import_module("reasonflux.distributed.face").ReasonFlux
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
