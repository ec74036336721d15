"""The problems of a benchmark run, each with a few solutions of every method and verdict."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from reasonflux.arrow import from_table
from reasonflux.errors import ReasonFluxError
from reasonflux.evals.report.fitting import fitted
from reasonflux.evals.report.pair_items import shown_step
from reasonflux.evals.report.parts import Course, Item, Turn, counted, spread
from reasonflux.evals.results import Results
from reasonflux.evals.samples import ROLES, Sample
from reasonflux.library.load import load_library
from reasonflux.records import Decision, Exchange, Solution, ThoughtTemplate
from reasonflux.storage.run import Run

OF_A_KIND = 2  # samples of one problem, method, model and verdict that are shown

Kind = tuple[str, str, str, str]  # benchmark, problem, method, verdict; a table is one model's


def items_of(run: Run, results: Results, most: int) -> list[Item]:
    """At most about `most` problems, of shards that are evenly spread; verdicts are counted over all samples."""
    if not results.models:
        return []
    manifests = {model: run.stage(f"samples-{model}", Sample).manifest() for model in results.models}
    shards = min(len(manifest.shards) if manifest else 0 for manifest in manifests.values())
    rows = sum(facts["problems"] for facts in results.benchmarks.values())
    items: list[Item] = []
    for shard in spread(shards, max(1, most * shards // max(1, rows))):
        tables = {model: run.stage(f"samples-{model}", Sample).read(shard) for model in results.models}
        items += [fitted(item, min(most, rows)) for item in _items(tables, results)]
    return items[:most]


def _items(tables: Mapping[str, pa.Table], results: Results) -> Iterator[Item]:
    """One item a problem of a shard, whose number means the same problems for every model."""
    verdicts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    shown: dict[tuple[str, str], list[Sample]] = defaultdict(list)
    for table in tables.values():
        kinds = _kinds(table)
        for benchmark, problem, _, verdict in kinds:
            verdicts[benchmark, problem][verdict] += 1
        for sample in from_table(Sample, table.take(_first_of_each(kinds))):
            shown[sample.benchmark, sample.problem_id].append(sample)
    for (benchmark, problem), samples in sorted(shown.items()):
        first = samples[0]
        facts = [("grader", first.grader), ("tags", ", ".join(first.tags))]
        samples.sort(key=lambda sample: (list(results.methods).index(sample.method), sample.model, sample.index))
        yield Item(
            id=f"{benchmark}/{problem}",
            problem_set=benchmark,
            level=first.level or "",
            text=first.question,
            gold=first.gold,
            verdicts=counted(verdicts[benchmark, problem]),
            facts=tuple((name, value) for name, value in facts if value),
            courses=tuple(_course(sample, len(tables) > 1) for sample in samples),
        )


def _kinds(table: pa.Table) -> list[Kind]:
    columns = [table.column(name).to_pylist() for name in ("benchmark", "problem_id", "method", "verdict")]
    return list(zip(*columns, strict=True))


def _first_of_each(kinds: Sequence[Kind]) -> list[int]:
    """Rows to show."""
    met: Counter[Kind] = Counter()
    rows = []
    for row, kind in enumerate(kinds):
        met[kind] += 1
        if met[kind] <= OF_A_KIND:
            rows.append(row)
    return rows


def _course(sample: Sample, several_models: bool) -> Course:
    model = f", {sample.model}" if several_models else ""
    return Course(
        id=sample.id,
        title=f"{sample.method}{model}, sample {sample.index + 1}",
        verdict=sample.verdict,
        facts=tuple((name, value) for name, value in _facts(sample) if value),
        steps=tuple(map(shown_step, sample.solution.steps)),
        turns=tuple(_turns(sample.solution)),
    )


def _facts(sample: Sample) -> Iterator[tuple[str, str]]:
    failure = sample.failure
    yield "answer", sample.answer
    yield "gold", sample.gold
    yield "judge", sample.judgement
    yield "failed", f"{failure.stage}: {failure.error}: {failure.message}" if failure else ""
    yield "grader said", sample.message
    for role in ROLES:
        prompt, output = (getattr(sample, f"{role}_{kind}_tokens") for kind in ("prompt", "output"))
        yield f"tokens, {role}", f"{prompt:,} + {output:,}" if prompt or output else ""
    yield "seconds", f"{sample.seconds:.1f}"


def _turns(solution: Solution) -> Iterator[Turn]:
    """Requests in their order, each evaluation followed by what was decided."""
    decisions = iter(solution.decisions)
    for exchange in solution.exchanges:
        yield _exchange(exchange)
        if exchange.purpose == "evaluate" and (decision := next(decisions, None)):
            yield _decision(decision)


def _exchange(exchange: Exchange) -> Turn:
    usage = exchange.usage
    ended = "" if exchange.outcome == "stopped" else exchange.outcome.replace("_", " ")
    facts = [("ended", ended), ("tokens", f"{usage.prompt_tokens:,} + {usage.output_tokens:,}")]
    return Turn(
        title=f"{exchange.role}: {exchange.purpose}",
        facts=tuple((name, value) for name, value in facts if value),
        asked=exchange.prompt[-1].content if exchange.prompt else "",
        text=exchange.text or exchange.message,
    )


def _decision(decision: Decision) -> Turn:
    plan = decision.plan if decision.action == "refine" else ""
    return Turn(title=f"round {decision.round}: {decision.action}", text=plan or decision.reason)


def shown_templates(config: Mapping[str, Any], items: Sequence[Item]) -> tuple[ThoughtTemplate, ...]:
    """The templates that steps name, out of the models' libraries; none of a library that is not at hand."""
    used = {step.template for item in items for course in item.courses for step in course.steps if step.template}
    sources = {model.get("library") for model in config.get("models", {}).values()} - {None}
    found: dict[str, ThoughtTemplate] = {}
    for source in sorted(sources) if used else ():
        try:
            found |= {each.id: each for each in load_library(source).templates if each.id in used}
        except ReasonFluxError:
            continue
    return tuple(found.values())
