"""How difficult a problem is: how often an independent reasoner fails at it, and never how long a plan is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Annotated

from pydantic import AfterValidator

from reasonflux.evals.metrics import correct
from reasonflux.evals.samples import Mark


def _rising(edges: tuple[float, ...]) -> tuple[float, ...]:
    if list(edges) != sorted(set(edges)) or not all(0 <= edge < 1 for edge in edges):
        raise ValueError("edges grow, from 0 to below 1")
    return edges


Edges = Annotated[tuple[float, ...], AfterValidator(_rising)]  # highest failure rate of every bin but the last


@dataclass(frozen=True, kw_only=True)
class Bin:
    """Problems of like difficulty."""

    number: int  # 1 is the easiest
    lowest: float  # failure rates that belong here: above this one, but for the first bin's 0
    highest: float
    problems: tuple[str, ...]
    rate: float  # mean failure rate of its problems

    @property
    def name(self) -> str:
        """For a table."""
        opening = "[" if self.number == 1 else "("
        return f"{self.number}: {opening}{self.lowest:.2f}, {self.highest:.2f}]"


def failure_rates(problems: Mapping[str, Sequence[Mark]]) -> dict[str, float]:
    """Share of a problem's samples that are not correct, whatever the reason."""
    return {problem: fmean(not correct(mark) for mark in marks) for problem, marks in problems.items()}


def bins(rates: Mapping[str, float], edges: Sequence[float]) -> list[Bin]:
    """Bins by the highest failure rate of each but the last; one without problems is left out."""
    found = []
    lowest = 0.0
    for number, highest in enumerate([*edges, 1.0], start=1):
        first = number == 1
        own = tuple(problem for problem, rate in rates.items() if (first or rate > lowest) and rate <= highest)
        if own:
            mean = fmean(rates[problem] for problem in own)
            found.append(Bin(number=number, lowest=lowest, highest=highest, problems=own, rate=mean))
        lowest = highest
    return found
