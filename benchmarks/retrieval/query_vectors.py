"""Ways to a query's vector: what each finds and how long it takes, in one run, one query at a time, warm.

    OMP_NUM_THREADS=1 python -m benchmarks.retrieval.query_vectors --library FILE --problems FILE

The documents' vectors are the model's in every way. Recall is that of fused retrieval with the default weight, on the
queries of `queries.py`; milliseconds are of the vector alone, over all example queries.
"""

import argparse
import copy
import gc
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.retrieval.__main__ import DEPTH, MODEL
from benchmarks.retrieval.figures import figures, first_hits
from benchmarks.retrieval.queries import Query, example_queries, subject_queries
from benchmarks.retrieval.timing import query_times
from reasonflux.config import RetrievalConfig
from reasonflux.library.embedding import SentenceEmbedder, load_embedder
from reasonflux.library.load import TemplateLibrary, load_library
from reasonflux.library.retrieval import FusedRetrieval, best

Vector = Callable[[str], NDArray[np.float32]]
CUTS = (64, 32, 16)  # tokens


class Forward:
    """The model's forward pass without the library around it: no padding, no batch, no hooks."""

    def __init__(self, embedder: SentenceEmbedder) -> None:
        transformer = embedder._model[0]
        self.network = transformer.auto_model
        self._tokenizer = copy.deepcopy(embedder._model.tokenizer._tokenizer)
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._longest = int(embedder._model.max_seq_length)

    def by(self, network: Any, tokens: int | None = None, threads: int = 1) -> Vector:
        """Mean of the last hidden states, of length 1; only the first `tokens` are read."""
        longest = min(tokens or self._longest, self._longest)

        def vector(text: str) -> NDArray[np.float32]:
            ids = self._tokenizer.encode(text).ids
            ids = [*ids[: longest - 1], ids[-1]] if len(ids) > longest else ids
            if torch.get_num_threads() != threads:
                torch.set_num_threads(threads)
            with torch.inference_mode():
                seen = torch.ones(1, len(ids), dtype=torch.long)
                states = network(input_ids=torch.tensor([ids]), attention_mask=seen).last_hidden_state
                mean = states[0].float().mean(dim=0)
                return (mean / mean.norm()).numpy()

        return vector


def ways(embedder: SentenceEmbedder, words: Vector) -> Iterator[tuple[str, Vector]]:
    """Each way, its name first; made when it is its turn."""
    yield "words of the library, mapped (queries: words)", words
    yield "model, by its library (queries: model)", lambda text: embedder([text], query=True)[0]
    forward = Forward(embedder)
    yield "model, its network alone", forward.by(forward.network)
    yield "the same, two threads", forward.by(forward.network, threads=2)
    for tokens in CUTS:
        yield f"the same, first {tokens} tokens", forward.by(forward.network, tokens)
    yield "bfloat16", forward.by(copy.deepcopy(forward.network).to(torch.bfloat16))
    for engine in ("x86", "fbgemm", "onednn"):
        torch.backends.quantized.engine = engine
        int8 = torch.ao.quantization.quantize_dynamic(copy.deepcopy(forward.network), {torch.nn.Linear})
        yield f"int8, {engine}", forward.by(int8)
        yield f"int8, {engine}, first 32 tokens", forward.by(int8, 32)
    yield "torch.compile", forward.by(torch.compile(forward.network, dynamic=True))


def asked(vector: Vector, queries: Sequence[Query]) -> tuple[dict[str, NDArray[np.float32]], list[float]]:
    """Each query's vector, made once by its way, and the milliseconds that took."""
    made: dict[str, NDArray[np.float32]] = {}

    def one(place: int) -> None:
        made[queries[place].text] = vector(queries[place].text)

    gc.collect()
    return made, query_times(one, len(queries))


def recall(fused: FusedRetrieval, vectors: Mapping[str, NDArray[np.float32]], queries: Sequence[Query]) -> list[float]:
    """Recall@1, @2, @5 and the mean reciprocal rank."""

    def rank(text: str) -> list[int]:
        return best(fused.fuse(fused.lexical_scores(text), fused.dense_scores(vectors[text])), DEPTH)

    return [value for value, _, _ in figures(first_hits(rank, queries)).values()]


def rows(library: TemplateLibrary, embedder: SentenceEmbedder, problems: Path) -> Iterator[list[str]]:
    """A head, then one row a way, each as soon as it is measured."""
    fused = FusedRetrieval(library, embedder, RetrievalConfig(model=MODEL))
    examples = example_queries(library)
    taught = [query for query in subject_queries(library, problems) if query.rows]
    print(f"{len(examples)} examples, {len(taught)} problems of MATH-500")
    yield ["way", "recall@1", "@2", "@5", "MRR", "MATH-500 @2", "ms: median / 95 / 99 / longest"]
    for name, vector in ways(embedder, fused.vector):
        try:
            (own, times), (others, _) = asked(vector, examples), asked(vector, taught)
        except Exception as error:  # a way that this machine or this torch does not have
            yield [name, f"none: {str(error).splitlines()[0][:60]}"]
            continue
        found = [*recall(fused, own, examples), recall(fused, others, taught)[1]]
        yield [name, *(f"{value:.3f}" for value in found), " / ".join(f"{value:.2f}" for value in times)]
    torch.set_num_threads(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", required=True)
    parser.add_argument("--problems", type=Path, required=True, help="MATH-500 as JSONL")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # torch is about to drop its quantization
    torch.set_num_threads(1)
    for row in rows(load_library(arguments.library), load_embedder(MODEL), arguments.problems):
        print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
