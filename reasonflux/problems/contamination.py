"""Which problems of a benchmark stand, in part, in what was trained on: shared runs of n words.

scikit-learn's CountVectorizer counts the runs: its vocabulary is the benchmark's, so that memory does not grow with the
training problems, which are read in batches. A benchmark's problem of fewer than n words is compared as a whole.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from rich.table import Table

from reasonflux.records import Problem, ThoughtTemplate

WORDS = r"\w+"
RUN_WORDS = 20  # of a run; as long as it has to be for chance not to repeat it
BATCH = 512  # texts of the training side held at once
SHOWN = 3  # pairs that a table names


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """One benchmark's problem and one text of the training side that share a run."""

    problem_id: str
    source_id: str
    runs: int  # that they share


@dataclass(frozen=True, kw_only=True)
class Contamination:
    """What one training side shares with one benchmark."""

    source: str
    benchmark: str
    run_words: int
    texts: int  # of the training side
    problems: int  # of the benchmark
    overlaps: tuple[Overlap, ...]

    @property
    def contaminated(self) -> int:
        """Problems of the benchmark that share a run with any text."""
        return len({overlap.problem_id for overlap in self.overlaps})

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"contaminated": self.contaminated}


def overlaps(
    source: str,
    texts: Iterable[tuple[str, str]],
    benchmark: str,
    problems: Sequence[Problem],
    *,
    run_words: int = RUN_WORDS,
) -> Contamination:
    """Every pair of a benchmark's problem and a text, given as (id, text), that share a run of `run_words` words."""
    by_length: dict[int, list[Problem]] = {}
    for problem in problems:
        length = min(run_words, len(re.findall(WORDS, problem.text)))
        if length:
            by_length.setdefault(length, []).append(problem)
    vectorizers = {length: _vectorizer(length, own) for length, own in by_length.items()}
    known = {
        length: vectorizer.transform([problem.text for problem in by_length[length]]).T.tocsr()
        for length, vectorizer in vectorizers.items()
    }
    count, found = 0, []
    for batch in _batches(iter(texts)):
        count += len(batch)
        for length, vectorizer in vectorizers.items():
            shared = (vectorizer.transform([text for _, text in batch]) @ known[length]).tocoo()
            found += [
                Overlap(problem_id=by_length[length][column].id, source_id=batch[row][0], runs=int(runs))
                for row, column, runs in zip(shared.row, shared.col, shared.data, strict=True)
            ]
    return Contamination(
        source=source,
        benchmark=benchmark,
        run_words=run_words,
        texts=count,
        problems=len(problems),
        overlaps=tuple(sorted(found, key=lambda overlap: (overlap.problem_id, overlap.source_id))),
    )


def template_texts(templates: Iterable[ThoughtTemplate]) -> Iterator[tuple[str, str]]:
    """The examples of templates, by the templates' ids; those without one are left out."""
    return ((template.id, template.example) for template in templates if template.example.strip())


def problem_texts(problems: Iterable[Problem]) -> Iterator[tuple[str, str]]:
    """The texts of problems, by their ids."""
    return ((problem.id, problem.text) for problem in problems)


def table(found: Sequence[Contamination]) -> Table:
    """One row for each side and benchmark; the first problems that are contaminated are named."""
    shown = Table(title="shared runs of words", title_justify="left")
    for column in ("trained on", "texts", "benchmark", "problems", "words", "contaminated", "which"):
        left = column in ("trained on", "benchmark", "which")
        shown.add_column(column, justify="left" if left else "right", no_wrap=column != "which", overflow="fold")
    for one in found:
        ids = list(dict.fromkeys(overlap.problem_id for overlap in one.overlaps))
        more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
        shown.add_row(
            *(one.source, f"{one.texts:,}", one.benchmark, f"{one.problems:,}", str(one.run_words)),
            *(f"{one.contaminated:,}", ", ".join(ids[:SHOWN]) + more),
        )
    return shown


def _vectorizer(length: int, problems: Sequence[Problem]) -> Any:
    from sklearn.feature_extraction.text import CountVectorizer

    return CountVectorizer(token_pattern=WORDS, ngram_range=(length, length), binary=True).fit(
        [problem.text for problem in problems]
    )


def _batches(texts: Iterator[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    while batch := list(islice(texts, BATCH)):
        yield batch
