"""Benchmarks' problems that stand in what the merged runs trained on, or in the examples of their templates."""

from collections.abc import Iterable, Iterator, Sequence

import yaml

from reasonflux.errors import ReasonFluxError
from reasonflux.evals.exhibits import Table
from reasonflux.evals.report.of_pairs import trained_texts
from reasonflux.evals.report.parts import Section
from reasonflux.evals.results import Results
from reasonflux.evals.samples import Sample
from reasonflux.library.load import load_library
from reasonflux.problems.contamination import RUN_WORDS, Contamination, overlaps, template_texts
from reasonflux.records import Problem
from reasonflux.storage.run import Run

NAMED = 8  # problems that the table names


def contamination_section(training: Sequence[tuple[str, Run]], benchmarks: Sequence[Run]) -> Section | None:
    """Every side of `training` (its name, a run with problems) and every library against every benchmark.

    None where there is nothing to compare.
    """
    found = []
    for run in benchmarks:
        sides: list[tuple[str, Iterable[tuple[str, str]]]] = [*_libraries(run)]
        sides += [(f"problems of {name}", list(trained_texts(trained))) for name, trained in training]
        if sides:
            for benchmark, problems in _questions(run).items():
                found += [overlaps(name, texts, benchmark, problems) for name, texts in sides]
    if not found:
        return None
    return Section(title="Contamination", tables=(_table(found),))


def _libraries(run: Run) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    config = yaml.safe_load(run.store.read("config.yaml")) or {}
    sources = {model.get("library") for model in config.get("models", {}).values()} - {None}
    for source in sorted(sources):
        try:
            examples = list(template_texts(load_library(source).templates))
        except ReasonFluxError:
            continue  # it is not at hand any more
        if examples:
            yield f"examples of library {source}", examples


def _questions(run: Run) -> dict[str, list[Problem]]:
    """Each benchmark's problems, out of one model's samples."""
    model = next(iter(Results.read(run).models))
    stage = run.stage(f"samples-{model}", Sample)
    manifest = stage.manifest()
    found: dict[str, dict[str, Problem]] = {}
    for shard in range(len(manifest.shards) if manifest else 0):
        for row in stage.read(shard, ["benchmark", "problem_id", "question", "gold"]).to_pylist():
            problem = Problem(
                id=row["problem_id"], text=row["question"], gold=row["gold"], problem_set=row["benchmark"]
            )
            found.setdefault(row["benchmark"], {})[problem.id] = problem
    return {benchmark: list(problems.values()) for benchmark, problems in found.items()}


def _table(found: Sequence[Contamination]) -> Table:
    rows = []
    for one in found:
        ids = list(dict.fromkeys(overlap.problem_id for overlap in one.overlaps))
        which = ", ".join(ids[:NAMED]) + (f" and {len(ids) - NAMED} more" if len(ids) > NAMED else "")
        rows.append((one.source, one.texts, one.benchmark, one.problems, one.contaminated, which))
    return Table(
        id="contamination",
        title="Shared runs of words",
        caption=f"Problems of a benchmark that share a run of {RUN_WORDS} words with a text of the other side; shorter "
        "ones are compared whole.",
        columns=("trained on", "texts", "benchmark", "problems", "contaminated", "which"),
        rows=tuple(rows),
    )
