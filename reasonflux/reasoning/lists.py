"""The items of a list in free text, whatever its style. Linear in the text; no pattern can backtrack over a line.

Styles: `1.` `1)` `(1)` `1:` `1 -` `①`, the same behind a word (`Step 1:`, `Schritt 1 -`, `第1步：`), bullets, headings,
and any of them in bold. The list is the one with the least indentation; deeper markers belong to the item above them.
"""

import re
from collections import Counter
from dataclasses import dataclass

TAB = 4  # blanks
BULLETS = "-*•‣◦▪·+"
LOOSE_INDENT = 1  # blanks by which items of one list may differ

# Behind an optional word and bracket, 1 to 3 digits that something ends: "1.", "(2)", "Step 3:", "第4步：", "5 - ".
# The quantifiers are possessive (`++`), so that the pattern cannot backtrack.
NUMBER = re.compile(
    r"""(?P<bold>[*_]{1,3}+)?+
    (?: (?P<word>[^\W\d_]{1,12}+\s?+)?+ \#?+ [(\[（【]?+ (?P<digits>\d{1,3}+) (?:[^\W\d_]{1,2}+)?+
        (?P<end> [*_]{0,3}+\s?+ (?: [.:)\]、．：）】]++ | -++(?=\s) ) [*_]{0,3}+ | [*_]{2,3}+ ) (?!\d)
      | (?P<circled>[①-⑳]) [.:)、]?+ )
    \s*+(?:-\s++)?+""",
    re.VERBOSE,
)


@dataclass(frozen=True, kw_only=True)
class _Line:
    text: str  # without indentation and marker
    indent: int = 0
    heading: int = 0  # level; 0 for none
    bullet: bool = False
    word: str | None = None  # before the number, "" for none; None where there is no number
    first: bool = False  # the number is 1

    @property
    def marked(self) -> bool:
        return self.heading > 0 or self.bullet or self.word is not None


BLANK = _Line(text="")


def items_of(text: str, keep_prose: bool = False) -> list[str]:
    """Each item of a list, first line first; empty where the text holds none.

    Prose around the list is left out, or with `keep_prose` becomes items of its own, a paragraph each.
    """
    lines = [_read(line.expandtabs(TAB)) for line in text.splitlines()]
    items = _item_lines(lines)
    return _assemble(lines, items, keep_prose)


def without_marker(line: str) -> str:
    """A line without its number or bullet."""
    return _read(line).text


def _read(line: str) -> _Line:
    text = line.strip()
    if not text:
        return BLANK
    indent = len(line) - len(line.lstrip())
    level = len(text) - len(text.lstrip("#"))
    text = text[level:].lstrip()
    bullet = text[:1] in BULLETS and text[1:2].isspace()
    text = text[1:].lstrip() if bullet else text
    number = NUMBER.match(text)
    if number is None:
        return _Line(text=text, indent=indent, heading=level, bullet=bullet)
    opened = number["bold"] if number["bold"] and not (number["end"] or "").strip().endswith(number["bold"]) else ""
    return _Line(
        text=opened + text[number.end() :],
        indent=indent,
        heading=level,
        bullet=bullet,
        word=(number["word"] or "").strip().casefold(),
        first=number["circled"] == "①" or (number["digits"] or "").lstrip("0") == "1",
    )


def _item_lines(lines: list[_Line]) -> set[int]:
    """Numbers of the lines that begin an item: numbered ones before bullets before headings."""
    numbered = {place: line for place, line in enumerate(lines) if line.word is not None}
    headed = {place: line for place, line in numbered.items() if line.heading}
    if headed:
        level = min(line.heading for line in headed.values())
        return {place for place, line in headed.items() if line.heading == level}
    listed = {place: line for place, line in enumerate(lines) if not line.heading and line.marked}
    if not listed:
        return _heading_lines(lines)
    limit = min(line.indent for line in listed.values()) + LOOSE_INDENT
    outer = {place: line for place, line in listed.items() if line.indent <= limit}
    return _main_series({place: line for place, line in outer.items() if line.word is not None}) or set(outer)


def _main_series(numbered: dict[int, _Line]) -> set[int]:
    """Of series with different words ("Step 1", "1.") the longest that starts once: one that restarts is nested."""
    series: dict[str, list[int]] = {}
    for place, line in numbered.items():
        series.setdefault(line.word or "", []).append(place)
    restarts = {word: sum(numbered[place].first for place in places) > 1 for word, places in series.items()}
    return set(max(series.items(), key=lambda item: (not restarts[item[0]], len(item[1])))[1]) if series else set()


def _heading_lines(lines: list[_Line]) -> set[int]:
    """The headings of the commonest level: a single heading is a title, not a list."""
    levels = Counter(line.heading for line in lines if line.heading)
    level, count = max(levels.items(), key=lambda item: item[1], default=(0, 0))
    return {place for place, line in enumerate(lines) if line.heading == level} if count > 1 else set()


def _assemble(lines: list[_Line], items: set[int], keep_prose: bool) -> list[str]:
    """Each item with the lines that belong to it, and the paragraphs that belong to none."""
    if not items:
        return []
    blocks: list[tuple[bool, list[str]]] = [(False, [])]  # whether it is an item, and its lines
    style, last = lines[min(items)], max(items)
    gap = False
    for place, line in enumerate(lines):
        if place in items:
            blocks.append((True, [line.text]))
        elif not line.text:
            if not blocks[-1][0]:
                blocks.append((False, []))
        else:
            if blocks[-1][0] and _ends_item(line, style, after_gap=gap and place > last):
                blocks.append((False, []))
            blocks[-1][1].append(f"- {line.text}" if line.bullet and place not in items else line.text)
        gap = not line.text
    kept = ("\n".join(block).strip() for is_item, block in blocks if is_item or keep_prose)
    return [text for text in kept if text]


def _ends_item(line: _Line, style: _Line, after_gap: bool) -> bool:
    """A heading as high as the items' own, or prose behind a gap that follows the last item of a plain list."""
    if line.heading:
        return not style.heading or line.heading <= style.heading
    return after_gap and not style.heading and not style.word and line.indent <= style.indent + LOOSE_INDENT
