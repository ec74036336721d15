"""Plots as small inline SVG.

Written here and not by matplotlib, which knows the ticks: its SVG sets style attributes, which the page's policy does
not let in, draws letters as paths, and cannot follow the reader's dark mode. Every text goes through ElementTree, which
escapes it; colours and sizes are the style sheet's.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, tostring

from markupsafe import Markup

from reasonflux.evals.exhibits import Plot, Point
from reasonflux.evals.report.parts import Drawing
from reasonflux.evals.report.texts import clean

WIDTH, HEIGHT = 560, 340
LEFT, RIGHT, TOP, BOTTOM = 62, 540, 14, 284  # of the axes
COLOURS = 8  # classes s0 … s7
ROW = 30  # of `draw_intervals`
NAMES = 236  # its column of names
LONGEST_NAME = 30


@dataclass(frozen=True, kw_only=True)
class Axis:
    """Data to pixels on one axis."""

    low: float
    high: float
    start: float  # pixels
    end: float
    log: bool = False
    whole: bool = False  # counts: no tick between them

    def __call__(self, value: float) -> float:
        low, high, place = map(math.log10, (self.low, self.high, value)) if self.log else (self.low, self.high, value)
        return round(self.start + (place - low) / (high - low) * (self.end - self.start), 1)

    def ticks(self, count: int) -> list[float]:
        """Round values inside."""
        from matplotlib.ticker import LogLocator, MaxNLocator

        if self.log:
            subs = (1.0, 2.0, 5.0) if self.high / self.low < 100 else (1.0,)
            found = LogLocator(base=10, subs=subs, numticks=30).tick_values(self.low, self.high)
        else:
            found = MaxNLocator(nbins=count, steps=[1, 2, 2.5, 5, 10], integer=self.whole).tick_values(
                self.low, self.high
            )
        tolerance = 1e-9 * (self.high - self.low)
        return [float(value) for value in found if self.low - tolerance <= value <= self.high + tolerance]


def draw_plot(plot: Plot) -> Drawing:
    """Lines with bars for their intervals; a series of one point is a dot, a ceiling is dashed."""
    svg = canvas(plot.title, HEIGHT)
    points = [point for series in plot.series for point in series.points if _drawable(point, plot.log_x)]
    legend = []
    if points:
        x, y = _x_axis([point.x for point in points], plot.log_x), _y_axis(points)
        _frame(svg, x, y, plot.x, plot.y)
        for place, series in enumerate(plot.series):
            colour = f"s{place % COLOURS}"
            drawn = [point for point in series.points if _drawable(point, plot.log_x)]
            legend.append((f"{colour} ceiling" if series.ceiling else colour, series.name))
            group = SubElement(svg, "g", {"class": legend[-1][0]})
            if len(drawn) > 1:
                SubElement(group, "polyline", {"points": " ".join(f"{x(point.x)},{y(point.y)}" for point in drawn)})
            for point in drawn:
                _dot(group, x, y, point, series.name)
    return _drawing(plot, svg, tuple(legend))


def draw_bars(plot: Plot) -> Drawing:
    """The first series as bars from zero; x is the middle of each, all equally wide."""
    svg = canvas(plot.title, HEIGHT)
    points = plot.series[0].points
    if points:
        half = (points[1].x - points[0].x) / 2 if len(points) > 1 else 0.5
        x = Axis(low=points[0].x - half, high=points[-1].x + half, start=LEFT, end=RIGHT)
        y = Axis(low=0, high=1.05 * max(max(point.y for point in points), 1), start=BOTTOM, end=TOP)
        _frame(svg, x, y, plot.x, plot.y)
        group = SubElement(svg, "g", {"class": "s0 bars"})
        for point in points:
            left, right, top = x(point.x - half) + 1, x(point.x + half) - 1, y(point.y)
            size = {"x": left, "y": top, "width": round(right - left, 1), "height": round(BOTTOM - top, 1)}
            bar = SubElement(group, "rect", {name: str(value) for name, value in size.items()})
            SubElement(bar, "title").text = f"{_number(point.x)}: {point.y:,.0f}"
    return _drawing(plot, svg, ())


def draw_intervals(plot: Plot) -> Drawing:
    """One row a series, its first point's y as a dot on a horizontal axis, with its interval."""
    height = TOP + ROW * len(plot.series) + HEIGHT - BOTTOM
    svg = canvas(plot.title, height)
    points = [series.points[0] for series in plot.series]
    if points:
        values = [0.0, *(value for point in points for value in (point.y, point.low, point.high) if value is not None)]
        x = Axis(low=min(values) - 0.02, high=max(values) + 0.02, start=NAMES, end=RIGHT)
        bottom = TOP + ROW * len(points)
        _ticks_of_x(svg, x, bottom, plot.y)
        SubElement(svg, "path", {"class": "zero", "d": f"M{x(0)} {TOP}V{bottom}"})
        for place, series in enumerate(plot.series):
            point, middle = series.points[0], TOP + ROW * (place + 0.5)
            group = SubElement(svg, "g", {"class": "s0"})
            label(svg, NAMES - 12, middle + 5, _shortened(series.name), "end")
            if point.low is not None and point.high is not None:
                SubElement(group, "path", {"class": "interval", "d": f"M{x(point.low)} {middle}H{x(point.high)}"})
            dot = SubElement(group, "circle", {"cx": str(x(point.y)), "cy": str(middle), "r": "5"})
            SubElement(dot, "title").text = f"{series.name}: {_value(point)}"
    return _drawing(plot, svg, ())


def canvas(title: str, height: float) -> Element:
    """An empty picture `WIDTH` wide, named for those who hear it."""
    return Element("svg", {"viewBox": f"0 0 {WIDTH} {height:g}", "role": "img", "aria-label": title})


def markup(svg: Element) -> Markup:
    """The picture as it goes into the page."""
    return Markup(clean(tostring(svg, encoding="unicode")))  # ElementTree escapes every text and attribute


def _drawing(plot: Plot, svg: Element, legend: tuple[tuple[str, str], ...]) -> Drawing:
    if len(svg) == 0:
        label(svg, WIDTH / 2, HEIGHT / 2, "nothing was measured", "middle")
    return Drawing(id=plot.id, title=plot.title, caption=plot.caption, svg=markup(svg), legend=legend)


def _drawable(point: Point, log_x: bool) -> bool:
    return math.isfinite(point.x) and math.isfinite(point.y) and (point.x > 0 or not log_x)


def _x_axis(values: Sequence[float], log: bool) -> Axis:
    low, high = min(values), max(values)
    if log:
        room = (high / low) ** 0.06 if high > low else 1.5
        return Axis(low=low / room, high=high * room, start=LEFT, end=RIGHT, log=True)
    room = 0.05 * (high - low) if high > low else 0.5
    whole = all(value.is_integer() for value in map(float, values))
    return Axis(low=low - room, high=high + room, start=LEFT, end=RIGHT, whole=whole)


def _y_axis(points: Sequence[Point]) -> Axis:
    values = [value for point in points for value in (point.y, point.low, point.high) if value is not None]
    low, high = min(values), max(values)
    room = 0.08 * (high - low) if high > low else 0.1 * abs(high) or 1
    below, above = low - room, high + room
    if low >= 0 and (below < 0 or low < 0.4 * high):
        below = 0.0
    if low >= 0 and high <= 1:
        above = min(above, 1.0) if high < 1 else 1.02
    return Axis(low=below, high=above, start=BOTTOM, end=TOP)


def _frame(svg: Element, x: Axis, y: Axis, x_name: str, y_name: str) -> None:
    for value in y.ticks(6):
        SubElement(svg, "path", {"class": "grid", "d": f"M{LEFT} {y(value)}H{RIGHT}"})
        label(svg, LEFT - 8, y(value) + 5, _number(value), "end")
    _ticks_of_x(svg, x, BOTTOM, x_name)
    turned = f"translate(15 {(TOP + BOTTOM) / 2:g}) rotate(-90)"
    SubElement(svg, "text", {"class": "name", "transform": turned}).text = y_name


def _ticks_of_x(svg: Element, x: Axis, bottom: float, name: str) -> None:
    SubElement(svg, "path", {"class": "axis", "d": f"M{x.start} {bottom}H{x.end}"})
    for value in x.ticks(6):
        SubElement(svg, "path", {"class": "axis", "d": f"M{x(value)} {bottom}v5"})
        label(svg, x(value), bottom + 21, _number(value), "middle")
    label(svg, (x.start + x.end) / 2, bottom + 46, name, "name")


def _dot(group: Element, x: Callable[[float], float], y: Callable[[float], float], point: Point, name: str) -> None:
    if point.low is not None and point.high is not None:
        SubElement(group, "path", {"class": "interval", "d": f"M{x(point.x)} {y(point.low)}V{y(point.high)}"})
    dot = SubElement(group, "circle", {"cx": str(x(point.x)), "cy": str(y(point.y)), "r": "4.5"})
    SubElement(dot, "title").text = f"{name}: {_value(point)} at {_number(point.x)}"


def label(svg: Element, x: float, y: float, text: str, anchor: str) -> None:
    """A text; `anchor` is the class that says where it stands against x: start, middle or end."""
    SubElement(svg, "text", {"class": anchor, "x": f"{x:g}", "y": f"{y:g}"}).text = text


def _value(point: Point) -> str:
    if point.low is None or point.high is None:
        return f"{point.y:.3g}"
    return f"{point.y:.3g} ({point.low:.3g} to {point.high:.3g})"


def _number(value: float) -> str:
    if abs(value) >= 1_000_000:
        return f"{value / 1_000_000:g}M"
    if abs(value) >= 10_000:
        return f"{value / 1_000:g}k"
    return f"{round(value, 6):,g}" if abs(value) < 1_000 else f"{value:,.0f}"


def _shortened(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
