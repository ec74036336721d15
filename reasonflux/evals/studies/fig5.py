"""Fig. 5 of arXiv 2502.06772: the cost of solving by difficulty; and, since its three costs are in different units,
accuracy against tokens of all roles.
"""

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import Literal

from pydantic import Field

from reasonflux.config import Model
from reasonflux.evals.exhibits import Exhibits, Plot, Series, Table
from reasonflux.evals.studies.curves import Curve, Rung, cost_of_solving, rungs
from reasonflux.evals.studies.difficulty import Bin, Edges, bins, failure_rates
from reasonflux.evals.studies.goal import Goal
from reasonflux.evals.studies.material import Arm, Material, same_problems
from reasonflux.evals.studies.showing import INTERVALS, Mean

ORACLE = "Each budget is tried by itself, and the first right answer ends the search: nobody who answers sees that."
Ladders = Mapping[Curve, Sequence[Rung]]


class Fig5(Model):
    """Curves in bins of difficulty, at equal token cost, and what a trained navigator saves."""

    kind: Literal["fig5"]
    benchmark: str
    curves: tuple[Curve, ...] = Field(min_length=1)
    difficulty: Arm  # an independent reasoner alone: its failure rate
    edges: Edges = (0.25, 0.5, 0.75)
    goal: Goal | None = None
    caveat: str = ""  # what the figure does not prove here

    def arms(self) -> Iterator[tuple[Arm, str]]:
        """What must have been measured, and on what."""
        named = [self.difficulty, *(arm for curve in self.curves for arm in curve.arms)]
        goal = self.goal.arms if self.goal else ()
        return ((arm, self.benchmark) for arm in (*named, *goal))

    def exhibits(self, material: Material) -> Exhibits:
        """Three plots, and tables of them; the goal's tables where there is one."""
        rates = failure_rates(material.problems(self.difficulty, self.benchmark))
        ladders = {curve: rungs(curve, material, self.benchmark) for curve in self.curves}
        for curve, own in ladders.items():
            same_problems(difficulty=rates, **{curve.name: own[0].right})
        found = bins(rates, self.edges)
        goal = self.goal.tables(material, self.benchmark) if self.goal else ()
        return Exhibits(
            title="Fig. 5: cost against accuracy and difficulty",
            tables=(self._points(ladders), self._by_bin(found, ladders), *goal),
            plots=(
                self._frontier(ladders),
                self._in_tokens(found, ladders),
                *(_in_units(found, curve, own) for curve, own in ladders.items() if len(own) > 1 and not curve.ceiling),
            ),
        )

    def _frontier(self, ladders: Ladders) -> Plot:
        series = tuple(
            Series(
                name=curve.name,
                points=tuple(Mean.of(list(one.right.values())).at(_tokens(one)) for one in own),
                ceiling=curve.ceiling,
            )
            for curve, own in ladders.items()
        )
        return Plot(
            id="fig5-equal-cost",
            title="Accuracy at equal token cost",
            caption=f"Of {_count(ladders):,} problems. {INTERVALS} Dashed: chosen by an oracle. {self.caveat}".strip(),
            x="prompt and output tokens of all roles, mean a problem",
            y="accuracy",
            series=series,
            log_x=True,
        )

    def _points(self, ladders: Ladders) -> Table:
        rows = tuple(
            (
                curve.name + (" (ceiling)" if curve.ceiling else ""),
                f"{one.budget:,} {curve.unit}",
                f"{_tokens(one):,.0f}",
                Mean.of(list(one.right.values())).percent(),
            )
            for curve, own in ladders.items()
            for one in own
        )
        columns = ("way to answer", "budget", "tokens a problem", "accuracy, %")
        caption = f"The plot's points. {INTERVALS}"
        return Table(id="fig5-points", title="Accuracy and tokens", caption=caption, columns=columns, rows=rows)

    def _by_bin(self, found: Sequence[Bin], ladders: Ladders) -> Table:
        rows = []
        for curve, own in ladders.items():
            if curve.ceiling:
                continue
            for one in found:
                best = Mean.of([own[-1].right[problem] for problem in one.problems]).percent()
                cost = _solving(one, own, own[-1].budget)
                shown = cost.text(1) if len(own) > 1 else None
                rows.append((curve.name, one.name, f"{len(one.problems):,}", best, shown, curve.unit))
        columns = ("way to answer", "failure rate", "problems", "accuracy at the cap, %", "cost of solving", "unit")
        caption = f"{ORACLE} A problem that no budget solves costs the cap. {INTERVALS}"
        title = "Cost of solving by difficulty, each in its own unit"
        return Table(id="fig5-bins", title=title, caption=caption, columns=columns, rows=tuple(rows))

    def _in_tokens(self, found: Sequence[Bin], ladders: Ladders) -> Plot:
        fair = {curve: own for curve, own in ladders.items() if not curve.ceiling}
        cap = max((_tokens(own[-1]) for own in fair.values()), default=0.0)
        series = tuple(
            Series(
                name=curve.name,
                points=tuple(
                    Mean.of(
                        [
                            cost_of_solving(
                                [rung.right[problem] for rung in own], [rung.tokens[problem] for rung in own], cap
                            )
                            for problem in one.problems
                        ]
                    ).at(one.number)
                    for one in found
                ),
            )
            for curve, own in fair.items()
        )
        caption = (
            f"{ORACLE} An unsolved problem costs every way the same cap, the dearest budget here: {cap:,.0f} tokens. "
            f"{INTERVALS} {_named(found)}"
        )
        return Plot(
            id="fig5-tokens",
            title="Tokens until solved",
            caption=caption,
            x="bin of difficulty",
            y="tokens of all roles",
            series=series,
        )


def _in_units(found: Sequence[Bin], curve: Curve, own: Sequence[Rung]) -> Plot:
    cap = own[-1].budget
    return Plot(
        id=f"fig5-{'-'.join(curve.name.lower().split())}",
        title=f"{curve.name}: {curve.unit} until solved",
        caption=f"{ORACLE} An unsolved problem costs the cap, {cap:,}. {INTERVALS} {_named(found)}",
        x="bin of difficulty",
        y=curve.unit,
        series=(Series(name=curve.name, points=tuple(_solving(one, own, cap).at(one.number) for one in found)),),
    )


def _solving(one: Bin, own: Sequence[Rung], cap: float) -> Mean:
    """Cost of a bin's problems in budgets."""
    prices = [rung.budget for rung in own]
    return Mean.of([cost_of_solving([rung.right[each] for rung in own], prices, cap) for each in one.problems])


def _tokens(rung: Rung) -> float:
    return fmean(rung.tokens.values())


def _count(ladders: Ladders) -> int:
    return len(next(iter(ladders.values()))[0].right)


def _named(found: Sequence[Bin]) -> str:
    bounds = ", ".join(f"{one.name} ({len(one.problems):,})" for one in found)
    return f"Bins by failure rate (problems): {bounds}."
