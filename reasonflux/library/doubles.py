"""Near-doubles: templates that say nearly the same under names that need not be equal."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from rapidfuzz import fuzz

from reasonflux.library.resolve import normalise
from reasonflux.records import ThoughtTemplate

LEAST_LIKENESS = 0.65  # ten pairs of the published library; below, most pairs are siblings such as sine and cosine
COMMON = 64  # of a tag or word that more templates have than this, only neighbours are compared
NEIGHBOURS = 8  # on either side, in the order of names and steps


@dataclass(frozen=True, kw_only=True)
class NearDouble:
    """Two templates, by their places in the list that was looked through, and how alike they are, 0 to 1."""

    first: int
    second: int
    likeness: float


def likeness(one: ThoughtTemplate, other: ThoughtTemplate) -> float:
    """Mean of three: names and steps by their sorted words (indel similarity), tags by the share in common."""
    tags = {normalise(tag) for tag in one.tags}, {normalise(tag) for tag in other.tags}
    shared = len(tags[0] & tags[1]) / max(1, len(tags[0] | tags[1]))
    names = fuzz.token_sort_ratio(normalise(one.name), normalise(other.name))
    steps = fuzz.token_sort_ratio(normalise(" ".join(one.steps)), normalise(" ".join(other.steps)))
    return (shared + names / 100 + steps / 100) / 3


def near_doubles(templates: Sequence[ThoughtTemplate], least: float = LEAST_LIKENESS) -> list[NearDouble]:
    """Every pair of at least that likeness, most alike first.

    Only pairs that share a tag or a word of their names are compared, and of a crowd that shares one only neighbours in
    the order of names and steps, so that the work does not grow with the square of the library.
    """
    found = []
    for first, second in _candidates(templates):
        score = likeness(templates[first], templates[second])
        if score >= least:
            found.append(NearDouble(first=first, second=second, likeness=score))
    return sorted(found, key=lambda pair: (-pair.likeness, pair.first, pair.second))


def _candidates(templates: Sequence[ThoughtTemplate]) -> Iterator[tuple[int, int]]:
    holders: dict[str, list[int]] = defaultdict(list)
    for place, template in enumerate(templates):
        for term in {normalise(template.name), *(f"tag {normalise(tag)}" for tag in template.tags)} | {
            f"word {word}" for word in normalise(template.name).split()
        }:
            holders[term].append(place)
    pairs: set[tuple[int, int]] = set()
    for places in holders.values():
        if len(places) <= COMMON:
            pairs.update(combinations(places, 2))
            continue
        ordered = sorted(places, key=lambda place: (normalise(templates[place].name), templates[place].steps, place))
        for start, one in enumerate(ordered):
            pairs.update((min(one, other), max(one, other)) for other in ordered[start + 1 : start + 1 + NEIGHBOURS])
    yield from sorted(pairs)
