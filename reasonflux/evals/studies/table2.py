"""Table 2 of arXiv 2502.06772 (and those of F1 and v2): pass@1 of methods on benchmarks, beside what was published."""

from collections.abc import Iterator
from statistics import fmean
from typing import Literal

from pydantic import Field

from reasonflux.config import Model
from reasonflux.evals.exhibits import Exhibits, Table
from reasonflux.evals.metrics import correct
from reasonflux.evals.samples import ROLES, Mark
from reasonflux.evals.studies.material import Arm, Material
from reasonflux.evals.studies.showing import INTERVALS, Mean

HERE = "measured here"


class Row(Model):
    """One row of ours."""

    name: str
    arm: Arm


class Table2(Model):
    """Rows of ours × benchmarks; a cell that nobody measured stays empty."""

    kind: Literal["table2"]
    benchmarks: dict[str, str] = Field(min_length=1)  # titles by the suites' names, in the columns' order
    rows: tuple[Row, ...] = Field(min_length=1)

    def arms(self) -> Iterator[tuple[Arm, None]]:
        """What must have been measured; on which benchmarks is each suite's own matter."""
        return ((row.arm, None) for row in self.rows)

    def exhibits(self, material: Material) -> Exhibits:
        """Accuracies, and what they cost (V13)."""
        return Exhibits(title="Table 2: methods × benchmarks", tables=(self._scores(material), self._costs(material)))

    def _scores(self, material: Material) -> Table:
        rows: list[tuple[str | float | None, ...]] = [
            (row.name, HERE, *(_score(material, row.arm, name) for name in self.benchmarks)) for row in self.rows
        ]
        rows += [(one.name, one.source, *map(one.values.get, self.benchmarks)) for one in material.published.table2]
        caption = (
            f"pass@1, %, mean over the samples of a problem. {INTERVALS} Published rows state one sample a problem and "
            "no interval. –: not measured. Rows of other models say nothing of each other's methods."
        )
        columns = ("model and method", "source", *self.benchmarks.values())
        return Table(id="table2", title="Pass@1, %", caption=caption, columns=columns, rows=tuple(rows))

    def _costs(self, material: Material) -> Table:
        rows = tuple(
            (row.name, title, *_cost(material.marks(row.arm, name)))
            for row in self.rows
            for name, title in self.benchmarks.items()
            if material.has(row.arm, name)
        )
        columns = (
            *("model and method", "benchmark", "problems × samples", "navigator tokens, in + out"),
            *("reasoner tokens, in + out", "requests", "seconds"),
        )
        caption = "Means of a solution; seconds are its wall time while many were solved at once, waits among them."
        return Table(id="table2-cost", title="What a solution costs", caption=caption, columns=columns, rows=rows)


def _score(material: Material, arm: Arm, benchmark: str) -> str | None:
    if not material.has(arm, benchmark):
        return None
    problems = material.problems(arm, benchmark)
    return Mean.of([fmean(map(correct, marks)) for marks in problems.values()]).percent()


def _cost(marks: list[Mark]) -> tuple[str, ...]:
    problems = len({mark.problem_id for mark in marks})
    sides = [
        " + ".join(f"{fmean(getattr(mark, f'{role}_{kind}_tokens') for mark in marks):,.0f}" for kind in _KINDS)
        for role in ROLES
    ]
    requests, seconds = fmean(mark.requests for mark in marks), fmean(mark.seconds for mark in marks)
    return f"{problems:,} × {len(marks) // problems}", *sides, f"{requests:.1f}", f"{seconds:.1f}"


_KINDS = ("prompt", "output")
