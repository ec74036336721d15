"""A benchmark run: scores with intervals, what accuracy costs, failures, and its problems with their solutions."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from reasonflux.evals.exhibits import Plot, Point, Series, Table
from reasonflux.evals.metrics import Score
from reasonflux.evals.report.benchmark_items import items_of, shown_templates
from reasonflux.evals.report.drawing import draw_plot
from reasonflux.evals.report.parts import Facts, RunPart, Section
from reasonflux.evals.results import Results
from reasonflux.evals.samples import ROLES, Sample
from reasonflux.records import Verdict
from reasonflux.storage.run import Run

CELL = ("benchmark", "model", "method")


def read_benchmark_run(run: Run, most: int) -> RunPart:
    """Raises `BadInput` where there are no results yet."""
    results, config = Results.read(run), yaml.safe_load(run.store.read("config.yaml")) or {}
    items = items_of(run, results, most)
    return RunPart(
        title=results.name,
        kind="benchmarks",
        place=run.store.uri,
        tiles=tuple(_tiles(results)),
        sections=(
            Section(
                title="Scores",
                words=results.words(),
                tables=(_scores(results), _verdicts(results), *_failures(run, results), _costs(results)),
            ),
            *_curves(results),
        ),
        facts=_facts(results),
        config=run.store.read("config.yaml").decode(errors="replace"),
        items=tuple(items),
        templates=shown_templates(config, items),
        problems=sum(facts["problems"] for facts in results.benchmarks.values()),
    )


def method_name(results: Results, score: Score) -> str:
    """A method as tables and legends call it: its model only where there are several, ceilings by their name."""
    ceiling = ", ceiling" if results.methods[score.method]["ceiling"] else ""
    return f"{score.method}{f', {score.model}' if len(results.models) > 1 else ''}{ceiling}"


def _tiles(results: Results) -> Iterator[tuple[str, str]]:
    """The best of each benchmark, ceilings apart."""
    for benchmark in list(results.benchmarks)[:6]:
        honest = [
            one for one in results.scores if one.benchmark == benchmark and not results.methods[one.method]["ceiling"]
        ]
        if honest:
            best = max(honest, key=lambda one: one.pass_at_1.mean)
            rate = best.pass_at_1
            interval = f"{100 * rate.low:.1f} to {100 * rate.high:.1f}"
            yield f"{100 * rate.mean:.1f}%", f"{benchmark}: {method_name(results, best)} ({interval})"


def _scores(results: Results) -> Table:
    return Table(
        id="scores",
        title="pass@1 with 95% intervals",
        caption="Means over problems of the mean over n samples; intervals are a bootstrap over problems. What failed "
        "is not correct.",
        columns=(*CELL, "problems", "n", "pass@1 %", "low", "high", "majority %"),
        rows=tuple((*_cell(results, one), one.problems, one.samples, *_rates(one)) for one in results.scores),
    )


def _cell(results: Results, one: Score) -> tuple[str, str, str]:
    ceiling = " (ceiling)" if results.methods[one.method]["ceiling"] else ""
    return one.benchmark, one.model, one.method + ceiling


def _rates(one: Score) -> Iterator[float]:
    rate = one.pass_at_1
    return (round(100 * share, 1) for share in (rate.mean, rate.low, rate.high, one.majority_at[one.samples]))


def _costs(results: Results) -> Table:
    return Table(
        id="costs",
        title="What a solution costs",
        caption="Means of a solution: prompt and output tokens by role, of these prompt tokens that the prefix cache "
        "served, requests, and seconds with many solutions at once. GPU-s is the model's whole GPU time, shared out by "
        "the tokens that had to be computed.",
        columns=(*CELL, *(f"tokens, {role}" for role in ROLES), "cached", "requests", "rounds", "s", "GPU-s"),
        rows=tuple((*_cell(results, one), *_spent(results, one)) for one in results.scores),
    )


def _spent(results: Results, one: Score) -> Iterator[float]:
    yield from (round(one.tokens[role]["prompt"] + one.tokens[role]["output"]) for role in ROLES)
    yield round(sum(one.tokens[role]["cached"] for role in ROLES))
    yield from (round(one.requests, 1), round(one.rounds, 1), round(one.seconds, 1))
    yield round(results.gpu_seconds(one), 1)


def _verdicts(results: Results) -> Table:
    """Samples by verdict."""
    return Table(
        id="verdicts",
        title="Samples by verdict",
        caption="Error: the sample could not be made or graded, which says nothing about the model.",
        columns=(*CELL, *(verdict.value for verdict in Verdict), "judge differs"),
        rows=tuple(
            (
                *_cell(results, one),
                *(one.verdicts[verdict] for verdict in Verdict),
                one.disagreements if one.judged else None,
            )
            for one in results.scores
        ),
    )


def _failures(run: Run, results: Results) -> Iterator[Table]:
    """Why samples could not be made or graded; no table where all could."""
    counted: Counter[tuple[str, ...]] = Counter()
    for model in results.models if any(one.failed for one in results.scores) else ():
        stage = run.stage(f"samples-{model}", Sample)
        for shard in range(stage.finished_shards("Let the run end first")):
            for row in stage.read(shard, [*CELL, "verdict", "failure"]).to_pylist():
                if row["verdict"] == Verdict.ERROR:
                    failure = row["failure"] or {"stage": "grading", "error": "not graded"}
                    counted[(*(row[name] for name in CELL), failure["stage"], failure["error"])] += 1
    if counted:
        yield Table(
            id="failures",
            title="Failures by reason",
            caption="Samples with the verdict error; they are not correct, and stay in the denominator.",
            columns=(*CELL, "where", "why", "samples"),
            rows=tuple((*cell, times) for cell, times in sorted(counted.items())),
        )


def _curves(results: Results) -> Iterator[Section]:
    """For each benchmark what accuracy costs, and, where there are samples, what more of them bring."""
    drawings = []
    for benchmark in results.benchmarks:
        own = [one for one in results.scores if one.benchmark == benchmark]
        if not own:
            continue
        drawings.append(draw_plot(_frontier(results, benchmark, own)))
        if own[0].samples > 1:
            drawings.append(draw_plot(_pass_at(results, benchmark, own)))
    if drawings:
        yield Section(title="Cost and samples", drawings=tuple(drawings))


def _frontier(results: Results, benchmark: str, own: Sequence[Score]) -> Plot:
    spent = [one.tokens_a_solution for one in own]
    return Plot(
        id=f"cost-{benchmark}",
        title=f"{benchmark}: accuracy and cost",
        caption=f"{own[0].problems:,} problems × {own[0].samples} samples; bars are 95% intervals over problems.",
        x="prompt and output tokens of a solution, all roles",
        y="pass@1",
        series=tuple(
            Series(
                name=method_name(results, one),
                points=(
                    Point(
                        x=one.tokens_a_solution,
                        y=one.pass_at_1.mean,
                        low=one.pass_at_1.low,
                        high=one.pass_at_1.high,
                    ),
                ),
                ceiling=results.methods[one.method]["ceiling"],
            )
            for one in own
        ),
        log_x=min(spent) > 0 and max(spent) > 8 * min(spent),
    )


def _pass_at(results: Results, benchmark: str, own: Sequence[Score]) -> Plot:
    return Plot(
        id=f"pass-{benchmark}",
        title=f"{benchmark}: pass@k",
        caption="Chance that one of k samples is correct, unbiased (arXiv 2107.03374, Eq. 1). It chooses with the gold "
        "answer at hand: a ceiling of any selection.",
        x="k",
        y="pass@k",
        series=tuple(
            Series(
                name=method_name(results, one),
                points=tuple(Point(x=float(k), y=share) for k, share in sorted(one.pass_at.items())),
            )
            for one in own
        ),
        log_x=own[0].samples > 4,
    )


def _facts(results: Results) -> Facts:
    found: list[tuple[str, Any]] = [("started", results.started), ("seed", results.seed), ("judge", results.judge)]
    for name, facts in results.benchmarks.items():
        known = {True: "a known copy", False: "no known copy", None: "no copy of it is known"}[facts["verified"]]
        found.append(
            (
                f"benchmark {name}",
                f"{facts['title']}, {facts['problems']:,} problems, {known}, digest {facts['digest']}",
            )
        )
        found.append((f"benchmark {name}, graded by", f"{facts['grader']}, protocol {facts['protocol'] or 'its own'}"))
    for name, model in results.models.items():
        for role in ROLES:
            found.append((f"{name}, {role}", f"{model['names'][role]} ({model['digests'][role]})"))
        found += [(f"{name}, {part}", model["digests"][part]) for part in ("prompts", "library")]
        found.append((f"{name}, cost", _cost(model["cost"])))
    found += [(f"method {name}", _settings(method)) for name, method in results.methods.items()]
    found += list(results.versions.items())
    return tuple((name, str(value)) for name, value in found if value not in (None, ""))


def _cost(cost: Mapping[str, Any]) -> str:
    gpu = f", {cost['gpu_seconds']:,.0f} GPU-s" if cost["gpu_seconds"] else ""
    return f"{cost['seconds']:,.0f} s{gpu}, {cost['solutions']:,} solutions, {cost['output_tokens']:,} output tokens"


def _settings(method: Mapping[str, Any]) -> str:
    settings = ", ".join(f"{name} {value}" for name, value in method["settings"].items())
    return f"{method['method']}: {settings}" if settings else str(method["method"])
