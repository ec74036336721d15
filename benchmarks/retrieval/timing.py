"""How long one query takes, part by part, one at a time and after a warm-up."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from reasonflux.config import RetrievalConfig
from reasonflux.identity import digest
from reasonflux.library.load import TemplateLibrary, library_of
from reasonflux.library.retrieval import FusedRetrieval
from reasonflux.protocols import Embed

WARM_UP = 20
K = 5


def times(retrieval: FusedRetrieval, queries: Sequence[str]) -> dict[str, list[float]]:
    """Milliseconds of a query, median, 95th and 99th percentile and longest: of the whole, and of its parts."""
    vectors = [retrieval.vector(query) for query in queries]
    parts: dict[str, Callable[[int], object]] = {
        "whole query": lambda i: retrieval.search(queries[i], K),
        "vector of the query": lambda i: retrieval.vector(queries[i]),
        "search, the vector known": lambda i: retrieval.find(queries[i], vectors[i], K),
        "lexical scores": lambda i: retrieval.lexical_scores(queries[i]),
        "dense scores": lambda i: retrieval.dense_scores(vectors[i]),
    }
    return {name: query_times(part, len(queries)) for name, part in parts.items()}


def synthetic(library: TemplateLibrary, embed: Embed, config: RetrievalConfig, count: int) -> FusedRetrieval:
    """A library of `count` templates: parts of the published ones put together at random, and random vectors."""
    random = np.random.default_rng(0)
    drawn = random.integers(0, len(library.templates), (count, 4))
    originals = library.templates
    templates = [
        replace(
            originals[a],
            id=digest("synthetic", place),
            name=f"{originals[b].name} {place}",
            tags=originals[c].tags,
            scenarios=originals[d].scenarios,
            example="",
        )
        for place, (a, b, c, d) in enumerate(drawn)
    ]
    large = library_of(templates, source="synthetic")
    return FusedRetrieval(large, _RandomDocuments(embed), config)


class _RandomDocuments:
    """An `Embed` of queries; documents get random directions, which cost a search what real ones do."""

    def __init__(self, embed: Embed) -> None:
        self._embed, self.digest = embed, "random"
        self._dimensions = embed(["any"], query=True).shape[1]

    def __call__(self, texts: Sequence[str], *, query: bool = False) -> NDArray[np.float32]:
        if query:
            return self._embed(texts, query=True)
        vectors = np.random.default_rng(0).standard_normal((len(texts), self._dimensions), dtype=np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors


def query_times(part: Callable[[int], object], count: int) -> list[float]:
    """Median, 95th and 99th percentile and longest of `part(i)`, in milliseconds."""
    for i in range(min(WARM_UP, count)):
        part(i)
    spent = []
    for i in range(count):
        started = time.perf_counter()
        part(i)
        spent.append(1000 * (time.perf_counter() - started))
    return [round(float(value), 2) for value in (*np.quantile(spent, (0.5, 0.95, 0.99)), max(spent))]
