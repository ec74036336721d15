"""Exhibits survive the file they are written to."""

import json

from reasonflux.evals.exhibits import Exhibits, Plot, Point, Series, Table


def test_what_a_study_shows_is_the_same_after_json() -> None:
    series = Series(name="guided", points=(Point(x=1.0, y=0.5, low=0.4, high=0.6), Point(x=2.0, y=0.7)), ceiling=True)
    plot = Plot(id="cost", title="Cost", caption="of 12", x="tokens", y="accuracy", series=(series,), log_x=True)
    table = Table(id="t", title="T", caption="c", columns=("a", "b"), rows=(("x", 1.0), ("y", None)))
    shown = Exhibits(title="A study", tables=(table,), plots=(plot,))
    assert Exhibits.read(json.loads(json.dumps(shown.to_json()))) == shown
