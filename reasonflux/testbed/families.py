"""What a family of problems is: numbers, wordings and the plan that solves every member."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

Numbers = Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Family:
    """Problems that one plan solves. The last phrasing is never shown to the navigator in training.

    `numbers` lists every tuple of the family, at least 300 so that each split holds 30 or more. `tempting` is the
    wrong plan that a careless planner writes; it is what the bias of the starting navigator is made of.
    """

    name: str
    tags: tuple[str, ...]
    numbers: Callable[[], Iterable[Numbers]]
    phrasings: tuple[str, ...]
    plan: tuple[str, ...]
    tempting: tuple[str, ...]
    held_out: bool = False  # the whole family is kept out of the navigator's training
