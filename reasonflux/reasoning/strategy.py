"""The strategy section of a three-part proposal (ReasonFlux-v2: abstraction, conditions, high-level strategy).

Only the strategy goes to the reasoner. Its heading may be of any level, in bold or bare, behind any number or dash, in
any language: where no word of it is known, it is the last of the sections.
"""

import re
from dataclasses import dataclass

# A part of the heading is enough; in the languages that models answer in.
WORDS = (
    "strateg",
    "estratég",
    "stratég",
    "стратег",
    "approach",
    "策略",
    "方案",
    "전략",
    "戦略",
    "chiến lược",
    "استراتيج",
)
PART = "3"  # the strategy is the third part of a proposal
BARE_WORDS = 8  # a longer line without markup is no heading

# Possessive quantifiers: linear.
NUMBER = re.compile(r"(?:[^\W\d_]{1,12}+\s)?+[(\[（]?+(\d{1,2}+)(?:\s?[.:)\]、．：）]++|\s?-++|(?=\*))\s*+-?+\s*+")
BOLD = re.compile(r"(?:\*\*|__)([^*]{1,160}+)\*\*\s*+[:：]?+\s*+")
BOLD_LEVEL, BARE_LEVEL = 7, 8  # below every markdown heading


@dataclass(frozen=True, kw_only=True)
class _Heading:
    place: int  # line
    level: int
    number: str
    title: str
    rest: str  # what stands behind the heading on its line

    @property
    def named(self) -> bool:
        return any(word in self.title.casefold() for word in WORDS)


def strategy_of(text: str) -> str:
    """The text of the strategy section, up to the end; the whole text where no section is found."""
    lines = text.splitlines()
    headings = [heading for place, line in enumerate(lines) if line.strip() and (heading := _heading(place, line))]
    start = _named(headings) or _last(headings)
    return "\n".join([start.rest, *lines[start.place + 1 :]]) if start else text


def _named(headings: list[_Heading]) -> _Heading | None:
    """The heading that says strategy: the third part if it is numbered, not the title above the parts."""
    named = [heading for heading in headings if heading.named]
    if not named:
        return None
    third = next((heading for heading in named if heading.number == PART), None)
    below_title = next((heading for heading in named[1:] if not heading.rest and heading.level > named[0].level), None)
    return third or (below_title if named[0] is headings[0] else None) or named[0]


def _last(headings: list[_Heading]) -> _Heading | None:
    """The last section of the highest level; of sections with numbers, the third."""
    sections = [heading for heading in headings if not heading.rest and heading.level < BARE_LEVEL]
    if not sections:
        return None
    highest = min(section.level for section in sections)
    top = [section for section in sections if section.level == highest]
    return next((section for section in top if section.number == PART), top[-1])


def _heading(place: int, line: str) -> _Heading | None:
    text = line.strip()
    level = len(text) - len(text.lstrip("#"))
    text = text[level:].strip()
    outer = NUMBER.match(text)
    text = text[outer.end() :] if outer else text
    bold = BOLD.match(text)
    title, rest = (bold[1], text[bold.end() :]) if bold else (text, "")
    inner = None if outer else NUMBER.match(title)
    title = title[inner.end() :] if inner else title
    number = next((match[1] for match in (outer, inner) if match), "")
    heading = _Heading(
        place=place, level=level or (BOLD_LEVEL if bold else BARE_LEVEL), number=number, title=title, rest=rest
    )
    if level or (bold and (not rest or heading.named)):
        return heading
    bare = title.rstrip().endswith((":", "：")) or number == PART
    return heading if bare and heading.named and len(title.split()) <= BARE_WORDS else None
