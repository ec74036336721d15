"""Which problems of a benchmark stand, in part, in what was trained on: shared runs of n words.

What is kept are the benchmark's runs, so that memory does not grow with the training problems. A benchmark's problem of
fewer than n words is compared as a whole. Each text is read once: at a word, only runs are made that could be known.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from reasonflux.records import Problem, ThoughtTemplate

RUN_WORDS = 20  # of a run; as long as it has to be for chance not to repeat it
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
    known: dict[str, list[int]] = {}  # which problems have a run
    lengths: dict[str, set[int]] = {}  # of the known runs that begin with a word
    for number, problem in enumerate(problems):
        words = _words(problem.text)
        for run in _runs(words, dict.fromkeys(words, (min(run_words, len(words)),))):
            known.setdefault(run, []).append(number)
            lengths.setdefault(run.partition(" ")[0], set()).add(run.count(" ") + 1)
    count, found = 0, []
    for source_id, text in texts:
        count += 1
        shared = Counter(number for run in _runs(_words(text), lengths) for number in known.get(run, ()))
        found += [
            Overlap(problem_id=problems[number].id, source_id=source_id, runs=runs) for number, runs in shared.items()
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


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _runs(words: Sequence[str], lengths: Mapping[str, Collection[int]]) -> set[str]:
    """Runs that lie inside `words`, of the lengths that are asked for by their first word."""
    return {
        " ".join(words[start : start + length])
        for start, word in enumerate(words)
        for length in lengths.get(word, ())
        if start + length <= len(words)
    }
