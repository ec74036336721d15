"""Plots: where the points are, what is dashed, and that there is a picture of nothing, too."""

from xml.etree import ElementTree

from reasonflux.evals.exhibits import Plot, Point, Series
from reasonflux.evals.report.drawing import BOTTOM, LEFT, RIGHT, TOP, draw_bars, draw_intervals, draw_plot
from reasonflux.evals.report.parts import Drawing


def plot(*series: Series, log_x: bool = False) -> Plot:
    return Plot(id="p", title="Cost", caption="of 12", x="tokens", y="accuracy", series=series, log_x=log_x)


def line(name: str, *points: tuple[float, float], ceiling: bool = False) -> Series:
    drawn = tuple(Point(x=x, y=y, low=y - 0.1, high=y + 0.1) for x, y in points)
    return Series(name=name, points=drawn, ceiling=ceiling)


def found(drawing: Drawing, tag: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(drawing.svg).iter(tag))


def test_every_point_stands_inside_the_axes_in_its_order() -> None:
    drawn = draw_plot(plot(line("guided", (1, 0.2), (10, 0.5), (100, 0.8)), log_x=True))
    places = [(float(circle.attrib["cx"]), float(circle.attrib["cy"])) for circle in found(drawn, "circle")]
    assert all(LEFT <= x <= RIGHT and TOP <= y <= BOTTOM for x, y in places)
    (x1, y1), (x2, y2), (x3, y3) = places
    assert x1 < x2 < x3 and y1 > y2 > y3
    assert abs((x2 - x1) - (x3 - x2)) < 0.5, "a decade is as wide as any other"
    assert [text.text for text in found(drawn, "text")][-2:] == ["tokens", "accuracy"]


def test_a_ceiling_is_told_apart_in_picture_and_legend() -> None:
    drawn = draw_plot(plot(line("direct", (1, 0.2), (2, 0.3)), line("oracle", (1, 0.8), (2, 0.9), ceiling=True)))
    assert drawn.legend == (("s0", "direct"), ("s1 ceiling", "oracle"))
    assert [group.attrib["class"] for group in found(drawn, "g")] == ["s0", "s1 ceiling"]


def test_points_that_cannot_be_placed_are_left_out_and_nothing_is_a_picture_too() -> None:
    drawn = draw_plot(plot(line("a", (0, 0.5), (10, 0.5), (100, float("nan"))), log_x=True))
    assert len(found(drawn, "circle")) == 1
    assert "nothing was measured" in draw_plot(plot(Series(name="a", points=()))).svg


def test_bars_are_as_high_as_their_counts() -> None:
    counts = Series(name="draws", points=(Point(x=0.25, y=10), Point(x=0.75, y=5)))
    heights = [float(bar.attrib["height"]) for bar in found(draw_bars(plot(counts)), "rect")]
    assert abs(heights[0] - 2 * heights[1]) < 0.5


def test_an_interval_row_names_what_it_is_of() -> None:
    rows = [line(f"template {n} <b>", (0, n / 10)) for n in (3, -2)]
    drawn = draw_intervals(plot(*rows))
    assert [text.text for text in found(drawn, "text") if "template" in (text.text or "")] == [
        "template 3 <b>",
        "template -2 <b>",
    ]
    assert "<b>" not in drawn.svg
    first, second = (float(circle.attrib["cx"]) for circle in found(drawn, "circle"))
    assert first > second


def test_no_picture_sets_a_style_that_the_policy_refuses() -> None:
    drawings = (draw(plot(line("a", (1, 0.2), (2, 0.3)))) for draw in (draw_plot, draw_bars, draw_intervals))
    for drawn in drawings:
        assert " style=" not in drawn.svg and " fill=" not in drawn.svg
