"""Retrieval by name, tags, description, scenarios and steps: lexical and dense scores fused, no chapter chosen first.

Every template gets the weighted sum of two scores that are comparable from query to query: BM25 as a share of what the
query could reach, and the mean cosine of the query with the template's parts. A softmax over the candidates and "none
fits", fitted to the library's own examples, turns sums into chances; templates below a threshold are left out.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from reasonflux.config import RetrievalConfig
from reasonflux.identity import digest
from reasonflux.library.confidence import FEWEST_QUERIES, Confidence, Scored, fit_confidence
from reasonflux.library.embedding import load_embedder
from reasonflux.library.examples import example_problem
from reasonflux.library.lexical import LexicalIndex
from reasonflux.library.load import TemplateLibrary
from reasonflux.library.published_retrieval import PublishedRetrieval
from reasonflux.library.vectors import vectors_of
from reasonflux.library.word_queries import AsQueries, WordQueries
from reasonflux.protocols import Embed
from reasonflux.records import ThoughtTemplate
from reasonflux.storage.store import Store

Part = Callable[[ThoughtTemplate], str]

# What of a template is indexed. Its example is not: examples are the queries that retrieval is measured by.
PARTS: Mapping[str, Part] = {
    "what": lambda template: f"{template.name}. {', '.join(template.tags)}. {template.description}",
    "where": lambda template: " ".join(template.scenarios),
    "how": lambda template: " ".join(template.steps),
}
CALIBRATION_QUERIES = 500  # examples that the confidence is fitted to, at most
CANDIDATES = 100  # of a query, that share its chances


class FusedRetrieval:
    """A `Retrieve` over one library."""

    def __init__(
        self,
        library: TemplateLibrary,
        embed: Embed,
        config: RetrievalConfig,
        kept: Store | None = None,
        parts: Mapping[str, Part] = PARTS,
    ) -> None:
        """Indexes the library; vectors are read from `kept` where they lie there."""
        self.library, self.config = library, config
        self._embed, self._kept = embed, kept
        texts = [[part(template) for template in library.templates] for part in parts.values()]
        documents = [" ".join(document) for document in zip(*texts, strict=True)]
        self._lexical = LexicalIndex(documents)
        vectors = [vectors_of(column, library, embed, kept) for column in texts]
        self._vectors: NDArray[np.float32] = np.mean(
            vectors, axis=0, dtype=np.float32
        )  # the mean cosine is the cosine with the mean
        by_words = config.queries == "words"
        self._words = WordQueries(documents, self._vectors, library, embed, kept) if by_words else None
        self._row_of = {template.id: row for row, template in enumerate(library.templates)}
        self.confidence = Confidence()

    @property
    def digest(self) -> str:
        """Of all that decides what is found: algorithm, settings, library, and the model's files."""
        settings = self.config.model_dump(mode="json", exclude={"model", "revision", "cache"})
        return digest(settings, self.library.digest, self._embed.digest)

    async def __call__(self, query: str, k: int) -> list[tuple[ThoughtTemplate, float]]:
        """Templates with their confidence; fewer than k, or none, where no more reach `least_confidence`."""
        return await asyncio.to_thread(self.search, query, k)

    def search(self, query: str, k: int) -> list[tuple[ThoughtTemplate, float]]:
        """What `__call__` does, in the caller's thread."""
        return self.find(query, self.vector(query), k)

    def vector(self, query: str) -> NDArray[np.float32]:
        """The query's own, of shape (dimensions,)."""
        return self._words(query) if self._words else self._embed([query], query=True)[0]

    def find(self, query: str, vector: NDArray[np.float32], k: int) -> list[tuple[ThoughtTemplate, float]]:
        """The same for a query whose vector is known."""
        scores = self.fuse(self.lexical_scores(query), self.dense_scores(vector))
        rows = best(scores, max(k, CANDIDATES))
        chances = self.confidence.chances(scores[rows])
        found = [(self.library.templates[row], float(chance)) for row, chance in zip(rows[:k], chances, strict=False)]
        return [(template, chance) for template, chance in found if chance >= self.config.least_confidence]

    def scores(self, query: str) -> NDArray[np.float32]:
        """The fused score of every template, of shape (templates,)."""
        return self.fuse(self.lexical_scores(query), self.dense_scores(self.vector(query)))

    def lexical_scores(self, query: str) -> NDArray[np.float32]:
        """Of shape (templates,), 0 to 1."""
        return self._lexical.scores(query)

    def dense_scores(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mean cosine of a query's vector with each template's parts, of shape (templates,)."""
        return self._vectors @ vector

    def fuse(self, lexical: NDArray[np.float32], dense: NDArray[np.float32]) -> NDArray[np.float32]:
        """The weighted sum."""
        weight = np.float32(self.config.lexical_weight)
        return weight * lexical + (1 - weight) * dense

    def calibrated(self) -> "FusedRetrieval":
        """Itself, its confidence fitted to the library's examples; the default where the library has too few of them.

        A template fits when it has the name of the one whose example was asked with.
        """
        queries = [(template.name, example_problem(template)) for template in self.library.templates]
        queries = [query for query in queries if query[1]]
        queries = queries[:: max(1, -(-len(queries) // CALIBRATION_QUERIES))]
        if len(queries) >= FEWEST_QUERIES:
            vectors = self._vectors_of_queries([text for _, text in queries])
            known = [self._scored(*query, vector) for query, vector in zip(queries, vectors, strict=True)]
            self.confidence = fit_confidence(known)
        return self

    def _vectors_of_queries(self, queries: Sequence[str]) -> NDArray[np.float32]:
        if self._words:
            return np.stack([self._words(query) for query in queries])
        return vectors_of(queries, self.library, AsQueries(self._embed), self._kept)

    def _scored(self, name: str, text: str, vector: NDArray[np.float32]) -> Scored:
        fused = self.fuse(self.lexical_scores(text), self.dense_scores(vector))
        own = [self._row_of[template.id] for template in self.library.by_name[name]]
        rows = np.union1d(best(fused, CANDIDATES), own)
        return Scored(scores=fused[rows].astype(np.float64), fits=np.isin(rows, own))


def best(scores: NDArray[np.float32], k: int) -> list[int]:
    """Rows of the k highest scores, highest first; of equals the first in the library."""
    count = min(k, len(scores))
    if count <= 0:
        return []
    least = np.partition(scores, len(scores) - count)[len(scores) - count]
    rows = np.flatnonzero(scores >= least)
    return [int(row) for row in rows[np.argsort(-scores[rows], kind="stable")][:count]]


class NoVectors:
    """An `Embed` for retrieval by words alone: one dimension, nothing in it."""

    digest = "none"

    def __call__(self, texts: Sequence[str], *, query: bool = False) -> NDArray[np.float32]:
        return np.zeros((len(texts), 1), dtype=np.float32)


def open_retrieval(
    library: TemplateLibrary, config: RetrievalConfig, embed: Embed | None = None
) -> FusedRetrieval | PublishedRetrieval:
    """The retrieval that a config names, ready for queries.

    `embed` stands in for the model of the config. Raises `BadInput` for a model that is not there.
    """
    if config.algorithm == "lexical":
        words_alone = config.model_copy(update={"lexical_weight": 1.0})
        return FusedRetrieval(library, NoVectors(), words_alone).calibrated()
    if embed is None:
        embed = load_embedder(config.model, config.revision)
    kept = Store.at(config.cache) if config.cache else None
    if config.algorithm == "published":
        return PublishedRetrieval(library, embed, kept)
    return FusedRetrieval(library, embed, config, kept).calibrated()
