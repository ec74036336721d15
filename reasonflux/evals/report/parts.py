"""What a report is made of, whatever kind of run it comes from: sections of tables and drawings, items to look into."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from reasonflux.evals.exhibits import Table
from reasonflux.records import ThoughtTemplate

Facts = tuple[tuple[str, str], ...]  # name, value


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A picture as inline SVG, and what its lines are called."""

    id: str
    title: str
    caption: str
    svg: Markup  # made by `drawing.py` and `round_graph.py` alone, which escape what they are given
    legend: tuple[tuple[str, str], ...] = ()  # class of the style sheet, name


@dataclass(frozen=True, kw_only=True)
class Section:
    """Tables and drawings that belong together."""

    title: str
    words: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    drawings: tuple[Drawing, ...] = ()

    @property
    def alone(self) -> bool:
        """Whether there is nothing to stand beside its one drawing."""
        return len(self.drawings) == 1 and all(map(wide, self.tables))


@dataclass(frozen=True, kw_only=True)
class ShownStep:
    """One step of a plan."""

    name: str
    written: str = ""  # by the navigator, where it is another than the name
    template: str = ""  # id
    instruction: str = ""


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One rollout, request or decision."""

    title: str
    id: str = ""
    verdict: str = ""
    facts: Facts = ()
    problem: str = ""  # text, where it is another than the item's
    asked: str = ""  # the prompt's last message
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Course:
    """One way in which a problem was gone about: a trajectory with its rollouts, or a method's solution."""

    id: str
    title: str
    verdict: str = ""  # of a solution; a trajectory's rollouts have their own
    facts: Facts = ()
    steps: tuple[ShownStep, ...] = ()
    text: str = ""  # as the navigator wrote it
    turns: tuple[Turn, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Item:
    """One problem with all that is shown of it. `verdicts` counts what is not shown, too."""

    id: str
    problem_set: str
    level: str  # difficulty as the source states it; empty where it does not
    text: str
    gold: str
    verdicts: Mapping[str, int]
    facts: Facts = ()
    courses: tuple[Course, ...] = ()
    run: str = ""  # title of its run


@dataclass(frozen=True, kw_only=True)
class RunPart:
    """Everything of one run."""

    title: str
    kind: str  # what the job makes, in a word or two
    place: str
    tiles: Facts = ()  # the few figures that matter: value, what it is
    sections: tuple[Section, ...] = ()
    facts: Facts = ()  # digests, versions, seeds, cost
    config: str = ""  # YAML
    items: tuple[Item, ...] = ()
    templates: tuple[ThoughtTemplate, ...] = ()  # that items name
    problems: int = 0  # of the run; items may be fewer

    @property
    def tables(self) -> tuple[Table, ...]:
        """Of all sections."""
        return tuple(table for section in self.sections for table in section.tables)


def wide(table: Table) -> bool:
    """Whether a table takes the page's whole width."""
    return len(table.columns) > 3


def spread(count: int, most: int) -> list[int]:
    """At most `most` of 0 … count − 1, evenly spread, the first among them."""
    if count <= most:
        return list(range(count))
    return sorted({place * count // most for place in range(most)})


def counted(verdicts: Counter[str]) -> dict[str, int]:
    """Most frequent first, equal ones by name."""
    return dict(sorted(verdicts.items(), key=lambda entry: (-entry[1], entry[0])))
