"""What a thought template of the small world is: seven fields of text, and what applying it does to numbers.

A template reads quantities of a state by name and writes what it found. It is applied to any problem that holds the
quantities it needs, also where that is a mistake: a wrong plan gives a wrong answer, not an error.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

LARGEST = 999  # no step produces a larger number
LARGEST_FACTOR = 12  # one factor of a product is at most this


class NotApplicable(Exception):
    """The state lacks a quantity that the template needs, or the step would leave the numbers of this world."""


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What one applied step did: the line to write, its value, and the quantities that later steps may read."""

    line: str
    value: int
    writes: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class WorldTemplate:
    """A template with its semantics: `apply` takes the quantities named in `needs`, in that order."""

    name: str
    type: str
    tags: tuple[str, ...]
    description: str
    scenarios: tuple[str, ...]
    steps: tuple[str, ...]
    needs: tuple[str, ...]
    apply: Callable[..., Effect]


def found(line: str, value: int, **writes: int) -> Effect:
    """An effect, or `NotApplicable` when its value is negative or too large."""
    if not 0 <= value <= LARGEST:
        raise NotApplicable(line)
    return Effect(line=line, value=value, writes=writes)


def added(name: str, a: int, b: int) -> Effect:
    """a + b, kept under `name`."""
    return found(f"{a}+{b}={a + b}", a + b, **{name: a + b})


def subtracted(name: str, a: int, b: int) -> Effect:
    """a − b, kept under `name`."""
    return found(f"{a}-{b}={a - b}", a - b, **{name: a - b})


def multiplied(name: str, a: int, b: int) -> Effect:
    """a · b, kept under `name`."""
    if min(a, b) > LARGEST_FACTOR:
        raise NotApplicable(f"{a}*{b}")
    return found(f"{a}*{b}={a * b}", a * b, **{name: a * b})


def divided(name: str, a: int, b: int) -> Effect:
    """The whole quotient a / b, kept under `name`; a remainder is written and forgotten."""
    if b == 0:
        raise NotApplicable(f"{a}/0")
    quotient, remainder = divmod(a, b)
    return found(f"{a}/{b}={quotient}" + (f" r {remainder}" if remainder else ""), quotient, **{name: quotient})
