"""Fig. 4 of arXiv 2502.06772: rounds of interplay (a) and templates (b) against the difficulty of problems."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import fmean
from typing import Literal

from reasonflux.config import Model
from reasonflux.evals.exhibits import Exhibits, Plot, Series, Table
from reasonflux.evals.metrics import correct
from reasonflux.evals.samples import Mark, Sample
from reasonflux.evals.studies.difficulty import Bin, Edges, bins, failure_rates
from reasonflux.evals.studies.material import Arm, Material, same_problems
from reasonflux.evals.studies.showing import INTERVALS, Mean
from reasonflux.library.resolve import normalise
from reasonflux.reasoning.parsing import parse_plan
from reasonflux.records import Solution
from reasonflux.statistics import rank_correlation, reliability

ROUNDS, RETRIEVED, NAMED, SOLVED = "rounds", "templates retrieved", "templates named in a plan", "solved"
Values = Mapping[str, float]  # by problem
Draws = Mapping[str, Sequence[float]]  # by problem, one a sample


class Fig4(Model):
    """What an interplay did, in bins of difficulty and as a rank correlation over problems."""

    kind: Literal["fig4"]
    benchmark: str
    measured: Arm  # an interplay
    difficulty: Arm  # an independent reasoner alone: its failure rate
    edges: Edges = (0.25, 0.5, 0.75)
    caveat: str = ""  # what the figure does not prove here

    def arms(self) -> Iterator[tuple[Arm, str]]:
        """What must have been measured, and on what."""
        return ((arm, self.benchmark) for arm in (self.measured, self.difficulty))

    def exhibits(self, material: Material) -> Exhibits:
        """Both plots, the same in a table, and whether they grow."""
        weighed = material.problems(self.difficulty, self.benchmark)
        rates = failure_rates(weighed)
        samples = material.samples(self.measured, self.benchmark)
        same_problems(difficulty=rates, measured=samples)
        draws = {name: _draws(samples, value) for name, value in VALUES.items()}
        values = {name: _means(own) for name, own in draws.items()}
        found = bins(rates, self.edges)
        return Exhibits(
            title="Fig. 4: interplay against difficulty",
            tables=(self._table(found, values), self._trend(weighed, draws)),
            plots=(
                self._plot("fig4a", "Rounds of interplay", "rounds", found, values, (ROUNDS,)),
                self._plot("fig4b", "Templates", "templates", found, values, (RETRIEVED, NAMED)),
            ),
        )

    @property
    def _said(self) -> str:
        return f"Difficulty: failure rate of {self.difficulty}, which plans nothing. {INTERVALS} {self.caveat}".strip()

    def _plot(
        self, key: str, title: str, unit: str, found: Sequence[Bin], values: Mapping[str, Values], shown: Sequence[str]
    ) -> Plot:
        series = tuple(
            Series(name=name, points=tuple(_in(one, values[name]).at(one.rate) for one in found)) for name in shown
        )
        problems = sum(len(one.problems) for one in found)
        caption = f"Means over {problems:,} problems in {len(found)} bins of difficulty. {self._said}"
        x = "difficulty (failure rate of an independent reasoner)"
        return Plot(id=key, title=title, caption=caption, x=x, y=f"{unit} a problem", series=series)

    def _table(self, found: Sequence[Bin], values: Mapping[str, Values]) -> Table:
        rows = tuple(
            (
                one.name,
                f"{len(one.problems):,}",
                *(_in(one, values[name]).text() for name in (ROUNDS, RETRIEVED, NAMED)),
                _in(one, values[SOLVED]).percent(),
            )
            for one in found
        )
        columns = ("failure rate", "problems", ROUNDS, RETRIEVED, NAMED, "solved, %")
        return Table(id="fig4", title=f"By difficulty: {self.measured}", caption=self._said, columns=columns, rows=rows)

    def _trend(self, weighed: Mapping[str, Sequence[Mark]], draws: Mapping[str, Draws]) -> Table:
        rates = failure_rates(weighed)
        failures = {problem: [float(not correct(one)) for one in own] for problem, own in weighed.items()}
        rows = tuple(_trend_row(name, rates, draws[name]) for name in (ROUNDS, RETRIEVED, NAMED))
        caption = (
            "Spearman's ρ with the failure rate, over problems. Grows: all of the interval is above 0. Reliability: "
            "how well means of so many samples order the problems as means of as many others would (by halves, "
            f"Spearman and Brown's formula). That of the failure rate is {_reliability(failures)}; {_share(rates, 1)} "
            f"of the problems are never solved, {_share(rates, 0)} always. Intervals: 95% bootstrap."
        )
        return Table(
            id="fig4-trend",
            title="Does it grow with difficulty?",
            caption=caption,
            columns=("what", "ρ", "problems", "reliability", "says"),
            rows=rows,
        )


def templates_named(solution: Solution) -> int:
    """Different templates that stand in any plan of a solution; 0 where plans are not bound to a library."""
    if not any(step.template_id for step in solution.steps):
        return 0
    first = [one.text for one in solution.exchanges if one.purpose == "navigator"][-1:]
    plans = [*first, *(decision.plan for decision in solution.decisions)]
    names = [step.name for plan in plans for step in parse_plan(plan, "templates")]
    return len({normalise(name) for name in (*names, *(step.name for step in solution.steps))})


VALUES: Mapping[str, Callable[[Sample], float]] = {
    ROUNDS: lambda sample: sample.rounds,
    RETRIEVED: lambda sample: sample.templates,
    NAMED: lambda sample: templates_named(sample.solution),
    SOLVED: lambda sample: float(correct(sample)),
}


def _draws(samples: Mapping[str, Sequence[Sample]], value: Callable[[Sample], float]) -> Draws:
    return {problem: [value(one) for one in own] for problem, own in samples.items()}


def _means(draws: Draws) -> Values:
    return {problem: fmean(own) for problem, own in draws.items()}


def _in(one: Bin, values: Values) -> Mean:
    return Mean.of([values[problem] for problem in one.problems])


def _trend_row(name: str, rates: Values, draws: Draws) -> tuple[str | float | None, ...]:
    problems, means = sorted(rates), _means(draws)
    found = rank_correlation([rates[one] for one in problems], [means[one] for one in problems], seed=0)
    count, reliable = f"{len(problems):,}", _reliability(draws)
    if found is None:
        return name, None, count, reliable, "the same for every problem"
    rho, low, high = found
    says = "grows" if low > 0 else "falls" if high < 0 else "neither is seen"
    return name, f"{rho:+.2f} ({low:+.2f} to {high:+.2f})", count, reliable, says


def _reliability(draws: Draws) -> str:
    found = reliability([draws[problem] for problem in sorted(draws)], seed=0)
    return "not known" if found is None else f"{found[0]:.2f} ({found[1]:.2f} to {found[2]:.2f})"


def _share(rates: Values, rate: float) -> str:
    return f"{fmean(each == rate for each in rates.values()):.0%}"
