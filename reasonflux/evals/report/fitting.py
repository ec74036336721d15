"""Items into the page: texts cut to what a page may weigh, packed in blocks that the page opens when it needs them.

A block is JSON, gzip and base64: no letter of it is markup, whatever models wrote. How long texts may be follows from
how many there are; the page says where one was cut, and `reasonflux explain` has the whole.
"""

import base64
import gzip
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from reasonflux.evals.report.mathematics import PATTERN, Translator, headline
from reasonflux.evals.report.parts import Course, Item, Turn
from reasonflux.evals.report.texts import clean, cut
from reasonflux.records import ThoughtTemplate

MOST_BYTES = 4_000_000  # of all blocks in the page
CHARACTERS = 12_000_000  # of texts before they are packed: text packs to about a third, base64 and all
LONGEST = 24_000  # characters of one text
SHORTEST = 240  # below this, turns are left out instead
ROOM = 0.95  # of what should fit, from one attempt to the next
BLOCK = 24  # items
MOST_TURNS = 64  # of one course


@dataclass(frozen=True, kw_only=True)
class Packed:
    """The data of a page. Base64 texts."""

    index: str
    blocks: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes in the page."""
        return len(self.index) + sum(map(len, self.blocks))


def pack(items: Sequence[Item], templates: Sequence[ThoughtTemplate], most_bytes: int = MOST_BYTES) -> Packed:
    """All items within `most_bytes`: first texts get shorter, then turns fewer."""
    translator = Translator()
    turns = max((len(course.turns) for item in items for course in item.courses), default=1)
    texts = sum(1 for item in items for text in _texts(item) if text) / max(1, len(items))  # mean of an item
    characters = _share(len(items))
    while True:
        packed = _packed([_fitted(item, characters, turns) for item in items], templates, translator)
        if packed.size <= most_bytes or characters < SHORTEST:
            return packed
        if characters < SHORTEST * texts:
            turns, texts = max(1, turns // 2), texts / 2
        characters = int(characters * ROOM * most_bytes / packed.size)


def fitted(item: Item, items: int) -> Item:
    """An item with its share of a page of so many: what readers keep of it, so that they never hold a whole run."""
    return _fitted(item, _share(items), MOST_TURNS)


def _share(items: int) -> int:
    """Characters of an item."""
    return min(LONGEST * 50, CHARACTERS // max(1, items))


def _fitted(item: Item, characters: int, turns: int) -> Item:
    """An item whose texts, all together, have about as many characters; the long ones are cut, all to one length."""
    if turns < max((len(course.turns) for course in item.courses), default=0):
        item = replace(item, courses=tuple(_thinned(course, turns) for course in item.courses))
    most = _level([len(text) for text in _texts(item)], characters)
    return _mapped(item, most)


def _thinned(course: Course, most: int) -> Course:
    """Turns of every verdict in turn, the first ones of each; in their order."""
    if len(course.turns) <= most:
        return course
    met: Counter[str] = Counter()
    ranks = []
    for turn in course.turns:
        ranks.append(met[turn.verdict])
        met[turn.verdict] += 1
    kept = sorted(sorted(range(len(ranks)), key=ranks.__getitem__)[:most])
    left_out = ("rollouts or requests left out here", f"{len(course.turns) - most:,}")
    return replace(course, turns=tuple(course.turns[place] for place in kept), facts=(*course.facts, left_out))


def _level(lengths: Sequence[int], characters: int) -> int:
    """The length to which the longest are cut so that the sum is at most `characters`."""
    left = characters
    for place, length in enumerate(sorted(lengths)):
        share = left // (len(lengths) - place)
        if length > share:
            return max(SHORTEST // 4, min(share, LONGEST))
        left -= length
    return LONGEST


def _texts(item: Item) -> Iterator[str]:
    yield item.text
    for course in item.courses:
        yield course.text
        for turn in course.turns:
            yield from (turn.problem, turn.asked, turn.text)


def _mapped(item: Item, most: int) -> Item:
    """All texts of others cut and cleaned."""

    def told(text: str) -> str:
        return clean(cut(text, most))

    def facts(pairs: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        return tuple((name, told(value)) for name, value in pairs)

    def turn(one: Turn) -> Turn:
        texts = {"problem": told(one.problem), "asked": told(one.asked), "text": told(one.text)}
        return replace(one, title=told(one.title), facts=facts(one.facts), **texts)

    def course(one: Course) -> Course:
        steps = tuple(
            replace(step, name=told(step.name), written=told(step.written), instruction=told(step.instruction))
            for step in one.steps
        )
        turns = tuple(map(turn, one.turns))
        return replace(
            one, title=told(one.title), facts=facts(one.facts), steps=steps, text=told(one.text), turns=turns
        )

    return replace(
        item,
        text=told(item.text),
        gold=told(item.gold),
        facts=facts(item.facts),
        courses=tuple(map(course, item.courses)),
    )


def _packed(items: Sequence[Item], templates: Sequence[ThoughtTemplate], translator: Translator) -> Packed:
    places = {template.id: place for place, template in enumerate(templates)}
    entries = [_bare(_entry(item, places)) for item in items]
    titles = translator.trees(entry.get("title", "") for entry in entries)  # first, while there are formulas to spend
    translator.trees(item.text for item in items)
    blocks = []
    for start in range(0, len(items), BLOCK):
        some = items[start : start + BLOCK]
        formulas = translator.trees(text for item in some for text in _texts(item))
        blocks.append(_squeezed({"items": [_bare(asdict(item)) for item in some], "formulas": formulas}))
    index = {
        "pattern": PATTERN,
        "block": BLOCK,
        "items": entries,
        "formulas": titles,
        "templates": [_bare(_template(template)) for template in templates],
    }
    return Packed(index=_squeezed(index), blocks=tuple(blocks))


def _entry(item: Item, places: dict[str, int]) -> dict[str, Any]:
    """What the list and the filters know of an item."""
    used = {step.template for course in item.courses for step in course.steps if step.template}
    return {
        "id": item.id,
        "run": item.run,
        "set": item.problem_set,
        "level": item.level,
        "title": headline(item.text),
        "verdicts": dict(item.verdicts),
        "templates": sorted(places[template] for template in used if template in places),
    }


def _template(template: ThoughtTemplate) -> dict[str, Any]:
    return {name: getattr(template, name) for name in ("id", "name", "type", "description", "scenarios", "steps")}


def _bare(value: Any) -> Any:
    """Clean texts, and nothing that is empty."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {key: _bare(each) for key, each in value.items() if each not in ("", (), [], {}, None)}
    return [_bare(each) for each in value] if isinstance(value, list | tuple) else value


def _squeezed(value: Any) -> str:
    plain = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return base64.b64encode(gzip.compress(plain, mtime=0)).decode()
