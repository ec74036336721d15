"""Table 3 of arXiv 2502.06772: base models alone and with a template, on problems that share it."""

from collections.abc import Iterator, Mapping
from statistics import fmean
from typing import Literal

from pydantic import Field

from reasonflux.config import Model
from reasonflux.evals.exhibits import Exhibits, Plot, Series, Table
from reasonflux.evals.metrics import correct
from reasonflux.evals.studies.material import Arm, Material, Published, same_problems
from reasonflux.evals.studies.showing import INTERVALS, Mean

DIRECT, TEMPLATE = "direct", "with template"


class Table3(Model):
    """Any list of base models of one run; a plan drawn by lot, and one that was retrieved, are controls."""

    kind: Literal["table3"]
    run: str
    benchmark: str
    models: dict[str, str] = Field(min_length=1)  # names in the table by the suite's names
    direct: str = "direct"  # the suite's names for the methods
    template: str = "with_template"
    controls: dict[str, str] = Field({"random plan": "random_plan", "retrieved plan": "retrieved_plan"})
    caveat: str  # what the difference does not prove here

    @property
    def methods(self) -> dict[str, str]:
        """The suite's names by the table's."""
        return {DIRECT: self.direct, TEMPLATE: self.template, **self.controls}

    def arms(self) -> Iterator[tuple[Arm, str]]:
        """What must have been measured, and on what."""
        return ((self._arm(model, method), self.benchmark) for model in self.models for method in self.methods.values())

    def exhibits(self, material: Material) -> Exhibits:
        """The table with differences by problem, and a plot of it."""
        measured = {
            model: {
                name: {
                    problem: fmean(map(correct, marks))
                    for problem, marks in material.problems(self._arm(model, method), self.benchmark).items()
                }
                for name, method in self.methods.items()
            }
            for model in self.models
        }
        table = self._table(measured, material.published.table3)
        return Exhibits(title="Table 3: direct and with template", tables=(table,), plots=(self._plot(measured),))

    def _arm(self, model: str, method: str) -> Arm:
        return f"{self.run}#{method}@{model}"

    def _table(
        self, measured: Mapping[str, Mapping[str, Mapping[str, float]]], published: tuple[Published, ...]
    ) -> Table:
        others = [name for name in self.methods if name != TEMPLATE]
        rows: list[tuple[str | float | None, ...]] = []
        count = 0
        for model, shares in measured.items():
            problems = same_problems(**shares)
            count = len(problems)
            means = [Mean.of([shares[name][one] for one in problems]).percent() for name in self.methods]
            gains = [_gain(shares[TEMPLATE], shares[other], problems) for other in others]
            rows.append((self.models[model], "measured here", *means, *gains))
        rows += [self._published(one, others) for one in published]
        columns = ("base model", "source", *self.methods, *(f"{TEMPLATE} − {other}" for other in others))
        caption = (
            f"Accuracy, %, on {count:,} problems; differences in points, mean of differences by problem. {INTERVALS} "
            f"{self.caveat} No threshold is set."
        )
        title = "Direct and with template, %"
        return Table(id="table3", title=title, caption=caption, columns=columns, rows=tuple(rows))

    def _published(self, one: Published, others: list[str]) -> tuple[str | float | None, ...]:
        direct, template = one.values.get(DIRECT), one.values.get(TEMPLATE)
        gain = None if direct is None or template is None else round(template - direct, 1)
        gains = [gain if other == DIRECT else None for other in others]
        return one.name, one.source, *map(one.values.get, self.methods), *gains

    def _plot(self, measured: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Plot:
        alone = {model: fmean(shares[DIRECT].values()) for model, shares in measured.items()}
        weakest_first = sorted(alone, key=lambda model: alone[model])
        series = tuple(
            Series(
                name=name,
                points=tuple(Mean.of(list(measured[model][name].values())).at(alone[model]) for model in weakest_first),
            )
            for name in self.methods
            if name != DIRECT
        )
        return Plot(
            id="table3",
            title="With a plan against without",
            caption=f"One point a base model. {INTERVALS} {self.caveat}",
            x="accuracy of the base model alone",
            y="accuracy with the plan",
            series=series,
        )


def _gain(ours: Mapping[str, float], theirs: Mapping[str, float], problems: list[str]) -> str:
    return Mean.of([ours[one] - theirs[one] for one in problems]).percent(signed=True)
