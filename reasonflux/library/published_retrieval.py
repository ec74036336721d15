"""Retrieval as published with arXiv 2502.06772 (reference row R1), kept so that ours can be compared with it.

The chapter whose name is closest to the chapter query; in it the two sections closest to the section query; in each of
them the template whose name is closest to the method query. Score: 0.9 · method + 0.1 · section. Nothing recovers from
a wrong chapter, and at most two templates are ever returned.
"""

import asyncio
from dataclasses import dataclass

import numpy as np

from reasonflux.identity import digest
from reasonflux.library.load import TemplateLibrary
from reasonflux.library.vectors import vectors_of
from reasonflux.protocols import Embed
from reasonflux.records import ThoughtTemplate
from reasonflux.storage.store import Store

SECTIONS = 2
METHOD_WEIGHT, SECTION_WEIGHT = 0.9, 0.1


@dataclass(frozen=True, kw_only=True)
class Match:
    """One candidate; its confidence is the score, a weighted cosine and no probability."""

    chapter: str
    section: str
    template: ThoughtTemplate
    confidence: float


class PublishedRetrieval:
    """R1 over one library; as a `Retrieve`, one query serves for chapter, section and method."""

    def __init__(self, library: TemplateLibrary, embed: Embed, kept: Store | None = None) -> None:
        """Embeds the names of chapters, sections and templates, or finds them in `kept`."""
        self.library, self._embed = library, embed
        self._sections: dict[str, dict[str, list[int]]] = {}
        for place, template in enumerate(library.templates):
            self._sections.setdefault(template.chapter, {}).setdefault(template.section, []).append(place)
        self._chapters = list(self._sections)
        names = {section: None for sections in self._sections.values() for section in sections}
        self._row_of = {section: row for row, section in enumerate(names)}
        self._chapter_vectors = vectors_of(self._chapters, library, embed, kept)
        self._section_vectors = vectors_of(list(names), library, embed, kept)
        self._name_vectors = vectors_of([template.name for template in library.templates], library, embed, kept)

    @property
    def digest(self) -> str:
        """Of all that decides what is found: algorithm, library, and the model's files."""
        return digest("published", self.library.digest, self._embed.digest)

    async def __call__(self, query: str, k: int) -> list[tuple[ThoughtTemplate, float]]:
        matches = await asyncio.to_thread(self.match, query, query, query)
        return [(match.template, match.confidence) for match in matches[:k]]

    def match(self, chapter: str, section: str, method: str) -> list[Match]:
        """At most two candidates, best first, for the three queries that a plan holds (row I1)."""
        chapter_query, section_query, method_query = self._embed([chapter, section, method], query=True)
        chosen = self._chapters[int(np.argmax(self._chapter_vectors @ chapter_query))]
        sections = self._sections[chosen]
        closeness = {name: float(self._section_vectors[self._row_of[name]] @ section_query) for name in sections}
        matches = []
        for name in sorted(sections, key=lambda name: -closeness[name])[:SECTIONS]:
            places = sections[name]
            scores = self._name_vectors[places] @ method_query
            best = int(np.argmax(scores))
            confidence = METHOD_WEIGHT * float(scores[best]) + SECTION_WEIGHT * closeness[name]
            template = self.library.templates[places[best]]
            matches.append(Match(chapter=chosen, section=name, template=template, confidence=confidence))
        return sorted(matches, key=lambda match: -match.confidence)
