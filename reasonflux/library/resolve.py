"""From a name as the navigator wrote it to the closest template of the library."""

import re
import unicodedata
from typing import Any

from rapidfuzz import fuzz, process

from reasonflux.library.load import TemplateLibrary
from reasonflux.records import ThoughtTemplate

CACHED_NAMES = 65_536  # written names remembered; model output is unbounded
COMPARED_CHARACTERS = 512  # of a written name; a navigator that repeats itself writes far more


def normalise(name: str) -> str:
    """A name without case, punctuation and surplus blanks: names that agree here are the same name."""
    return " ".join(re.findall(r"\w+", unicodedata.normalize("NFKC", name).casefold().replace("_", " ")))


class Resolver:
    """Maps written names to templates; picklable, and cached per name.

    Of templates that share a name the first in the library's order is taken, so that a plan resolves alike everywhere.
    """

    def __init__(self, library: TemplateLibrary, least_similarity: float = 0.0) -> None:
        """`least_similarity`, between 0 and 1: names less alike than that resolve to nothing."""
        self._least = least_similarity
        self._all = library.templates
        self._templates: dict[str, ThoughtTemplate] = {}
        self._as_written = {name: templates[0] for name, templates in library.by_name.items()}
        for template in library.templates:
            self._templates.setdefault(normalise(template.name), template)
        self._names = list(self._templates)
        self._cache: dict[str, tuple[ThoughtTemplate | None, bool]] = {}

    @property
    def templates(self) -> tuple[ThoughtTemplate, ...]:
        """All of the library, in its order."""
        return self._all

    def resolve(self, written: str) -> tuple[ThoughtTemplate | None, bool]:
        """The template closest to a written name, and whether the name stands in the library as written.

        Only case, blanks and punctuation may differ for that; otherwise similarity is rapidfuzz's normalised indel
        similarity. None for a name without a letter or digit, and below `least_similarity`.
        """
        written = written[:COMPARED_CHARACTERS]
        if written not in self._cache:
            if len(self._cache) >= CACHED_NAMES:
                self._cache.clear()
            self._cache[written] = self._closest(written)
        return self._cache[written]

    def _closest(self, written: str) -> tuple[ThoughtTemplate | None, bool]:
        if written in self._as_written:  # two published names differ in case alone
            return self._as_written[written], True
        name = normalise(written)
        if name in self._templates:
            return self._templates[name], True
        if not name:
            return None, False
        found = process.extractOne(name, self._names, scorer=fuzz.ratio, score_cutoff=100 * self._least)
        return (self._templates[found[0]], False) if found else (None, False)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_cache": {}}
