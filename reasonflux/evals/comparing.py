"""Two runs side by side on the same problems: differences with intervals, and p-values corrected over the table.

The test is a sign-flip permutation over problems, two-sided. The correction is Holm's: it holds the chance of any
false finding in the table at the level whatever the benchmarks have in common (the two runs' models, for one), as
Bonferroni's does, and never finds less.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from rich.table import Table

from reasonflux.errors import BadInput
from reasonflux.evals.metrics import by_problem, correct
from reasonflux.evals.samples import Mark
from reasonflux.statistics import mean_interval, sign_flip

LEVEL = 0.05
Cell = tuple[str, str, str]  # benchmark, model, method


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One row of the table; accuracies are means over problems of the mean over samples."""

    benchmark: str
    a: str  # model, method
    b: str
    problems: int
    mean_a: float
    mean_b: float
    difference: float  # b − a
    low: float
    high: float
    p: float
    adjusted: float  # Holm, over the table

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def compare(
    a: Mapping[Cell, Sequence[Mark]], b: Mapping[Cell, Sequence[Mark]], *, seed: int = 0
) -> tuple[Difference, ...]:
    """Every pair of cells with one benchmark: those with equal model and method names where both sides have several.

    Raises `BadInput` when there is nothing in common, or a benchmark's problems differ between the two sides.
    """
    pairs = _pairs(list(a), list(b))
    tested = [_tested(one, a[one], other, b[other], seed) for one, other in pairs]
    adjusted = holm([p for _, p in tested])
    return tuple(Difference(**values, p=p, adjusted=q) for (values, p), q in zip(tested, adjusted, strict=True))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, in the order given: step down from the smallest, never decreasing, at most 1."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted


def table(differences: Sequence[Difference], a: str, b: str) -> Table:
    """The comparison, for people."""
    shown = Table(title=f"{b} against {a}", title_justify="left")
    for column in ("benchmark", "A", "B", "problems", "A %", "B %", "B − A", "95% interval", "p", "p, Holm"):
        shown.add_column(column, justify="left" if column in ("benchmark", "A", "B") else "right")
    for one in differences:
        shown.add_row(
            *(one.benchmark, one.a, one.b, f"{one.problems:,}"),
            *(f"{100 * value:.1f}" for value in (one.mean_a, one.mean_b)),
            *(f"{100 * one.difference:+.1f}", f"{100 * one.low:+.1f} to {100 * one.high:+.1f}"),
            *(f"{one.p:.4f}", f"{one.adjusted:.4f}" + (" *" if one.adjusted <= LEVEL else "")),
        )
    return shown


def _pairs(a: Sequence[Cell], b: Sequence[Cell]) -> list[tuple[Cell, Cell]]:
    common = {cell[0] for cell in a} & {cell[0] for cell in b}
    columns_a, columns_b = ({cell[1:] for cell in side} for side in (a, b))
    alone = len(columns_a) == len(columns_b) == 1
    pairs = [
        (one, other)
        for one in a
        for other in b
        if one[0] == other[0] and one[0] in common and (alone or one[1:] == other[1:])
    ]
    if not pairs:
        names = " and ".join(sorted({" ".join(column[::-1]) for column in columns_a ^ columns_b}))
        remedy = f"Choose one of each side with RUN#METHOD or RUN#METHOD@MODEL: {names}"
        raise BadInput("the two sides have no benchmark, model and method in common", remedy)
    return pairs


def _tested(one: Cell, a: Sequence[Mark], other: Cell, b: Sequence[Mark], seed: int) -> tuple[dict[str, Any], float]:
    means_a, means_b = _means(a), _means(b)
    if means_a.keys() != means_b.keys():
        apart = len(means_a.keys() ^ means_b.keys())
        raise BadInput(f"{one[0]}: {apart} problems stand on one side alone", "Run both on the same copy and limit")
    differences = [means_b[problem] - means_a[problem] for problem in means_a]
    low, high = mean_interval(differences, seed=seed)
    above, below = (sign_flip([sign * each for each in differences], seed=seed) for sign in (1, -1))
    values = {
        "benchmark": one[0],
        "a": f"{one[2]}, {one[1]}",
        "b": f"{other[2]}, {other[1]}",
        "problems": len(differences),
        "mean_a": fmean(means_a.values()),
        "mean_b": fmean(means_b.values()),
        "difference": fmean(differences),
        "low": low,
        "high": high,
    }
    return values, min(1.0, 2 * min(above, below))


def _means(marks: Sequence[Mark]) -> dict[str, float]:
    return {problem: fmean(map(correct, own)) for problem, own in by_problem(marks).items()}
