"""Parts of a report without a run, and the page read back as a browser would: elements, data, policy."""

import base64
import gzip
import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from reasonflux.evals.exhibits import Plot, Point, Series, Table
from reasonflux.evals.report.drawing import draw_plot
from reasonflux.evals.report.parts import Course, Item, RunPart, Section, ShownStep, Turn
from reasonflux.records import ThoughtTemplate

HOSTILE = (
    "</script><script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"
    "<a href=\"javascript:document.title='taken'\">x</a> <!-- <svg onload=alert(1)> {{ 7 * 7 }} ${7*7} "
    r"$\href{javascript:alert(1)}{y}$ $<script>$ \(<img src=x onerror=alert(1)>\) "
    "\u202egnp.exe\u2066 \x1b[31mred\x00 \ud800"
)


def item_of(text: str) -> Item:
    """`text` wherever a model, a data set or a library wrote something."""
    facts = ((text, text),)
    turn = Turn(
        title=text, id="rollout", verdict="wrong", facts=facts, problem=text, asked=text, text=text + "x" * 50_000
    )
    course = Course(
        id="plan",
        title=text,
        facts=facts,
        steps=(ShownStep(name=text, written=text, template="t", instruction=text),),
        text=text,
        turns=(turn,),
    )
    return Item(
        id="problem",
        problem_set=text,
        level=text,
        text=text,
        gold=text,
        verdicts={"wrong": 1},
        facts=facts,
        courses=(course,),
        run=text,
    )


def template(**changes: Any) -> ThoughtTemplate:
    values: dict[str, Any] = {
        "id": "t",
        "name": "Complete the square",
        "type": "strategy",
        "original_type": "strategy",
        "tags": (),
        "description": "Make it a square.",
        "scenarios": ("quadratics",),
        "steps": ("first", "second"),
        "example": "",
        "chapter": "",
        "section": "",
    }
    return ThoughtTemplate(**(values | changes))


def part_of(text: str) -> RunPart:
    """A run that has `text` everywhere."""
    series = Series(name=text, points=(Point(x=1, y=0.5, low=0.4, high=0.6), Point(x=2, y=0.7)))
    plot = Plot(id="p", title=text, caption=text, x=text, y=text, series=(series,))
    table = Table(id="t", title=text, caption=text, columns=(text,), rows=((text,), (None,)))
    return RunPart(
        title=text,
        kind=text,
        place=text,
        tiles=((text, text),),
        sections=(Section(title=text, words=(text,), tables=(table,), drawings=(draw_plot(plot),)),),
        facts=((text, text),),
        config=text,
        items=(item_of(text),),
        templates=(template(name=text, description=text),),
        problems=1,
    )


@dataclass
class ReadPage(HTMLParser):
    """The elements of a page, the content of its scripts and styles, and its policy."""

    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    inline: dict[str, list[str]] = field(default_factory=lambda: {"script": [], "style": []})
    data: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, html: str) -> "ReadPage":
        read = cls()
        read.feed(html)
        read.close()
        return read

    def __post_init__(self) -> None:
        super().__init__()
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        if tag in self.inline and attributes.get("type") != "text/plain":
            self.inline[tag].append("")
        self._inside = attributes.get("id") or tag if tag in self.inline else ""

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside in self.inline:
            self.inline[self._inside][-1] += data
        elif self._inside:
            self.data[self._inside] = self.data.get(self._inside, "") + data

    @property
    def policy(self) -> str:
        """Of the page."""
        (policy,) = [
            attributes["content"]
            for tag, attributes in self.elements
            if attributes.get("http-equiv") == "Content-Security-Policy"
        ]
        return str(policy)

    def unpacked(self, name: str) -> Any:
        """A block of data."""
        return unpacked(self.data[name])


def unpacked(text: str) -> Any:
    return json.loads(gzip.decompress(base64.b64decode(text)))
