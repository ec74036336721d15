"""What a study shows and a report draws: tables and plots as plain values, whatever they are drawn with."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Point:
    """One measured value and its 95% interval; no interval where there is none to be had."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class Series:
    """The points of one line of a plot, in the order of x."""

    name: str
    points: tuple[Point, ...]
    ceiling: bool = False  # sees the gold answer, or is an upper bound otherwise: drawn dashed, and named so


@dataclass(frozen=True, kw_only=True)
class Plot:
    """One plot; `id` is unique in its study and names its picture."""

    id: str
    title: str
    caption: str  # what it shows, of how many, what the intervals are, and what it does not prove
    x: str  # the axes' names with their units
    y: str
    series: tuple[Series, ...]
    log_x: bool = False


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table; a cell is a text as it is shown, or a number, or None where nothing was measured."""

    id: str
    title: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float | None, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Exhibits:
    """All that one study shows."""

    title: str
    tables: tuple[Table, ...] = ()
    plots: tuple[Plot, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> "Exhibits":
        """Out of `to_json`; raises `TypeError` or `KeyError` for what is none."""
        tables = (_table(one) for one in values["tables"])
        plots = (_plot(one) for one in values["plots"])
        return cls(title=values["title"], tables=tuple(tables), plots=tuple(plots))


def _table(values: Mapping[str, Any]) -> Table:
    rows = tuple(tuple(row) for row in values["rows"])
    return Table(**dict(values) | {"columns": tuple(values["columns"]), "rows": rows})


def _plot(values: Mapping[str, Any]) -> Plot:
    return Plot(**dict(values) | {"series": tuple(_series(one) for one in values["series"])})


def _series(values: Mapping[str, Any]) -> Series:
    return Series(**dict(values) | {"points": tuple(Point(**one) for one in values["points"])})
