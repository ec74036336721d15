"""Values as a study's tables hold them, and the tables for a terminal."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from reasonflux.evals.exhibits import Point, Table
from reasonflux.statistics import mean_interval

if TYPE_CHECKING:
    from rich.table import Table as RichTable

INTERVALS = "Intervals: 95% bootstrap over problems."


@dataclass(frozen=True, kw_only=True)
class Mean:
    """A mean over problems and its 95% bootstrap interval."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Mean":
        """Of one value a problem."""
        low, high = mean_interval(values, seed=0)
        return cls(value=fmean(values), low=low, high=high)

    def percent(self, *, signed: bool = False) -> str:
        """Of shares."""
        sign = "+" if signed else ""
        return f"{100 * self.value:{sign}.1f} ({100 * self.low:{sign}.1f} to {100 * self.high:{sign}.1f})"

    def text(self, digits: int = 2) -> str:
        """As it is."""
        return f"{self.value:,.{digits}f} ({self.low:,.{digits}f} to {self.high:,.{digits}f})"

    def at(self, x: float) -> Point:
        """As a point of a plot."""
        return Point(x=x, y=self.value, low=self.low, high=self.high)


def rich_table(table: Table) -> "RichTable":
    """One table of a study, for a terminal."""
    from rich.table import Table as RichTable

    shown = RichTable(title=table.title, caption=table.caption, title_justify="left", caption_justify="left")
    for place, column in enumerate(table.columns):
        shown.add_column(column, justify="right" if place else "left")
    for row in table.rows:
        shown.add_row(*("–" if cell is None else f"{cell:,g}" if isinstance(cell, float) else cell for cell in row))
    return shown
