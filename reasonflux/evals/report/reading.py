"""Which kind of run a directory holds, and its part of the report."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import yaml

from reasonflux.errors import BadInput
from reasonflux.evals.exhibits import Exhibits, Table
from reasonflux.evals.report.comparison import comparison_section
from reasonflux.evals.report.contamination import contamination_section
from reasonflux.evals.report.drawing import draw_plot
from reasonflux.evals.report.of_benchmark import read_benchmark_run
from reasonflux.evals.report.of_gate import read_gate_run
from reasonflux.evals.report.of_pairs import read_pairs_run
from reasonflux.evals.report.of_rounds import pairs_run, read_rounds_run
from reasonflux.evals.report.parts import Item, RunPart, Section
from reasonflux.evals.results import FILE as RESULTS
from reasonflux.rounds.record import read_records
from reasonflux.storage.run import Run
from reasonflux.storage.store import Store

STUDY = "study.json"
MOST_ITEMS = 1_000  # problems of a report, all runs together
CHECKPOINT = "checkpoint/manifest.json"


def read_runs(places: Sequence[str]) -> list[RunPart]:
    """Every run's part, then those of the runs that studies stand on, and what is found by comparing them.

    Raises `BadInput` for a place that holds no run, and for a run that is not finished.
    """
    named = [Run(Store.at(place)) for place in places]
    for run in named:
        if not run.store.exists("config.yaml") and not run.store.exists(STUDY):
            raise BadInput(f"{run.store.uri} is no run directory", "Name the one that the job printed")
    runs = list(dict.fromkeys([*named, *(each for run in named for each in _behind(run))]))
    with_items = sum(not run.store.exists(STUDY) for run in runs)
    parts = [_read(run, MOST_ITEMS // max(1, with_items)) for run in runs]
    benchmarks = [place for place, run in enumerate(runs) if run.store.exists(RESULTS)]
    if benchmarks:
        last = benchmarks[-1]
        shared = _shared(runs, [runs[place] for place in benchmarks])
        parts[last] = replace(parts[last], sections=(*parts[last].sections, *shared))
    return _told_apart(parts)


def made_of(run: Run) -> Iterator[Run]:
    """The runs that a study stands on, or those of each round that make and learn pairs, as far as they are there."""
    yield from _behind(run)
    for record in read_records(run.store):
        for inner in (pairs_run(run, record), Run(run.store.child(f"round-{record.number}", "training"))):
            if inner.manifest() is not None:
                yield inner


def _shared(runs: Sequence[Run], benchmarks: Sequence[Run]) -> list[Section]:
    """What is found by looking at several runs at once."""
    compared = comparison_section(*benchmarks) if len(benchmarks) == 2 else None
    contaminated = contamination_section(_trained(runs), benchmarks)
    return [section for section in (compared, contaminated) if section]


def _behind(run: Run) -> Iterator[Run]:
    """The benchmark runs that a study stands on, and the rounds that trained for it, as far as they are still there."""
    if not run.store.exists(STUDY):
        return
    made_of = [one["run"] for one in (run.manifest() or {}).get("runs", {}).values()]
    rounds = _config(run).get("rounds") if run.store.exists("config.yaml") else None
    for place in [*made_of, *([rounds] if rounds else [])]:
        behind = Run(Store.at(place))
        if behind.store.exists("config.yaml"):
            yield behind


def _read(run: Run, most: int) -> RunPart:
    store = run.store
    if store.exists(STUDY):
        return _study(run)
    if store.exists(RESULTS):
        return read_benchmark_run(run, most)
    if store.exists("stage=problems/manifest.json"):
        return read_pairs_run(run, most)
    config = _config(run)
    if "candidate" in config and run.manifest() is not None:
        return read_gate_run(run)
    if "modules" in config:
        return read_rounds_run(run, most)
    return _other(run, config)


def _study(run: Run) -> RunPart:
    data = run.store.read(STUDY)
    try:
        shown = Exhibits.read(json.loads(data))
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{run.store.uri}/{STUDY} is no study: {error}", "Run the study again without it") from error
    config = run.store.get("config.yaml") or b""
    return RunPart(
        title=shown.title,
        kind="study",
        place=run.store.uri,
        sections=(Section(title="Findings", tables=shown.tables, drawings=tuple(map(draw_plot, shown.plots))),),
        facts=_plain_facts(run.manifest() or {}),
        config=config.decode(errors="replace"),
    )


def _other(run: Run, config: dict[str, Any]) -> RunPart:
    """A training, or a library that was built: what its manifests say."""
    trained = run.store.get(CHECKPOINT)
    manifest = (run.manifest() or {}) | (json.loads(trained) if trained else {})
    metrics = manifest.pop("metrics", {})
    manifest.pop("recipe", None)  # it is the config
    table = Table(
        id="metrics",
        title="At the end",
        caption="The last that were logged.",
        columns=("figure", "value"),
        rows=tuple((name, round(value, 6)) for name, value in sorted(metrics.items())),
    )
    return RunPart(
        title=str(config.get("name", "run")),
        kind="training" if trained else "run",
        place=run.store.uri,
        sections=(Section(title="At the end", tables=(table,)),) if metrics else (),
        facts=_plain_facts(manifest),
        config=run.store.read("config.yaml").decode(errors="replace"),
    )


def _plain_facts(values: dict[str, Any], prefix: str = "") -> tuple[tuple[str, str], ...]:
    """Every plain value of a manifest under its dotted name; what is long or nested further stands in the file."""
    found: list[tuple[str, str]] = []
    for name, value in values.items():
        if isinstance(value, dict) and not prefix.count("."):
            found += _plain_facts(value, f"{prefix}{name}.")
        elif isinstance(value, float):
            found.append((f"{prefix}{name}", f"{value:.6g}"))
        elif isinstance(value, str | int) and value != "":
            found.append((f"{prefix}{name}", str(value)))
    return tuple(found)


def _trained(runs: Sequence[Run]) -> list[tuple[str, Run]]:
    """What problems of the runs were trained on: those of main jobs, and of every round."""
    found: list[tuple[str, Run]] = []
    for run in runs:
        name = run.store.uri.rpartition("/")[2]
        if run.store.exists("stage=navigator_pairs/manifest.json"):
            found.append((name, run))
        for record in read_records(run.store):
            found.append((f"{name}, round {record.number}", pairs_run(run, record)))
    return found


def _told_apart(parts: Sequence[RunPart]) -> list[RunPart]:
    """Titles and items' ids that stand in several runs get a number, so that a link leads to one of them."""
    titles: dict[str, int] = {}
    seen: set[str] = set()
    apart = []
    for part in parts:
        titles[part.title] = titles.get(part.title, 0) + 1
        title = part.title if titles[part.title] == 1 else f"{part.title} ({titles[part.title]})"
        items = tuple(_named(item, title, seen) for item in part.items)
        apart.append(replace(part, title=title, items=items))
    return apart


def _named(item: Item, run: str, seen: set[str]) -> Item:
    name, times = item.id, 1
    while name in seen:
        times += 1
        name = f"{item.id}~{times}"
    seen.add(name)
    return replace(item, id=name, run=run)


def _config(run: Run) -> dict[str, Any]:
    found = yaml.safe_load(run.store.read("config.yaml"))
    return found if isinstance(found, dict) else {}
