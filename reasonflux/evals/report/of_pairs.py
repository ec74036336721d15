"""A run of the main job: its summary, rewards, credit of templates, and its problems with plans and rollouts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

import yaml

from reasonflux.errors import ReasonFluxError
from reasonflux.evals.exhibits import Plot, Point, Series, Table
from reasonflux.evals.report.drawing import draw_bars, draw_intervals
from reasonflux.evals.report.fitting import fitted
from reasonflux.evals.report.pair_items import Shard, items_of
from reasonflux.evals.report.parts import Drawing, Facts, RunPart, Section, spread
from reasonflux.library.credit import TemplateCredit, credit_by_template, uses
from reasonflux.library.load import load_library
from reasonflux.pairs.counts import ShardCounts
from reasonflux.pairs.summary import RunSummary
from reasonflux.records import Problem, ThoughtTemplate, TrajectoryReward, Verdict
from reasonflux.storage.run import Run

BINS = 10  # of the histogram of rewards
SHOWN = 24  # templates of the picture; the table has all


def read_pairs_run(run: Run, most: int) -> RunPart:
    """At most about `most` problems, of evenly spread shards; raises `BadInput` where rewards are not there yet."""
    shards = run.stage("rewards", TrajectoryReward).finished_shards("Let the run end first")
    manifest, config = run.manifest() or {}, yaml.safe_load(run.store.read("config.yaml"))
    total = run.stage("problems", Problem).manifest()
    problems = total.rows if total else 0
    a_shard = max(1, problems // max(1, shards))
    items, found, rewards = [], [], []
    for number in spread(shards, max(1, most // a_shard)):
        shard = Shard.read(run, number)
        items += [fitted(item, min(most, problems)) for item in items_of(shard)]
        found += uses(shard.problems, shard.plans, shard.rewards)
        rewards += shard.rewards
    looked_at = "" if len(items) >= problems else f" Of {problems:,} problems {len(items):,} were looked at."
    credit = credit_by_template(found)
    return RunPart(
        title=str(config["name"]),
        kind="preference pairs" if "summary" in manifest else "scores",
        place=run.store.uri,
        tiles=tuple(_tiles(manifest.get("summary", {}))),
        sections=(
            _summary(manifest, draw_bars(_histogram(rewards, looked_at))),
            *_credit(credit, looked_at),
        ),
        facts=_facts(manifest, config),
        config=run.store.read("config.yaml").decode(errors="replace"),
        items=tuple(items[:most]),
        templates=_templates(str(config.get("library", "")), manifest, {use.template_id for use in found}),
        problems=problems,
    )


def trained_texts(run: Run) -> Iterator[tuple[str, str]]:
    """Ids and texts of all problems of a run, one shard in memory."""
    stage = run.stage("problems", Problem)
    manifest = stage.manifest()
    for shard in range(len(manifest.shards) if manifest else 0):
        rows = stage.read(shard, ["id", "text"]).to_pylist()
        yield from ((row["id"], row["text"]) for row in rows)


def _summary(manifest: Mapping[str, Any], rewards: Drawing) -> Section:
    """What the job printed at its end, the rewards, and why rows failed or gave no pair."""
    values = manifest.get("summary", {})
    if "verdicts" not in values:
        return Section(title="Rewards", drawings=(rewards,))
    summary = _read_summary(values)
    counts = summary.counts
    table = Table(
        id="summary",
        title="Summary",
        caption="As the job printed it.",
        columns=("", "value"),
        rows=tuple(summary.rows()),
    )
    reasons: list[tuple[str, str, int]] = [
        *((f"no {role} pair", reason.replace("_", " "), groups) for role, reason, groups in _without_pair(counts)),
        *(("failed row", what, times) for what, times in counts.failures.items()),
    ]
    reasons.sort(key=lambda row: (row[0], -row[2]))
    failures = Table(
        id="failures",
        title="Failures, and groups without a pair",
        caption=f"Of {counts.problems:,} problems and {counts.rollouts:,} rollouts. A failed row stays in the run.",
        columns=("what", "reason", "count"),
        rows=tuple(reasons),
    )
    words = tuple(values.get("words", ()))
    return Section(title="Summary", words=words, drawings=(rewards,), tables=(failures, table))


def _read_summary(values: Mapping[str, Any]) -> RunSummary:
    counts = ShardCounts.from_json({field.name: values[field.name] for field in fields(ShardCounts)})
    kept = {field.name: values[field.name] for field in fields(RunSummary) if field.name != "counts"}
    return RunSummary(counts=counts, **kept)


def _without_pair(counts: ShardCounts) -> Iterator[tuple[str, str, int]]:
    for role, report in (("navigator", counts.navigator_pairs), ("reasoner", counts.reasoner_pairs)):
        for reason, groups in report.no_pair.items():
            yield role, reason, groups


def _tiles(summary: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "verdicts" not in summary:
        return
    reward, rollouts = summary["mean_reward"], summary["rollouts"]
    yield f"{summary['problems']:,}", "problems"
    yield f"{rollouts:,}", "rollouts"
    if reward["value"] is not None:
        low, high = reward["interval_95"] or (None, None)
        interval = "" if low is None else f" ({low:.3f} to {high:.3f})"
        yield f"{reward['value']:.3f}", f"mean reward{interval}"
    if rollouts:
        yield f"{summary['verdicts'].get(Verdict.CORRECT, 0) / rollouts:.1%}", "rollouts correct"
    yield f"{summary['navigator_pairs']['pairs']:,}", "navigator pairs"
    yield f"{summary['reasoner_pairs']['pairs']:,}", "reasoner pairs"


def _histogram(rewards: Sequence[TrajectoryReward], looked_at: str) -> Plot:
    counts, failed = [0] * BINS, 0
    for row in rewards:
        if row.reward is None:
            failed += row.multiplicity
        else:
            counts[min(BINS - 1, int(row.reward * BINS + 1e-9))] += row.multiplicity
    without = f", {failed:,} of them without a reward" if failed else ""
    return Plot(
        id="rewards",
        title="Rewards of plans",
        caption=f"Trajectory reward (Eq. 3) of {sum(counts) + failed:,} draws{without}; equal plans count as often as "
        f"they were drawn.{looked_at}",
        x="reward",
        y="draws",
        series=(
            Series(
                name="draws",
                points=tuple(Point(x=(place + 0.5) / BINS, y=float(count)) for place, count in enumerate(counts)),
            ),
        ),
    )


def _credit(credit: Sequence[TemplateCredit], looked_at: str) -> Iterator[Section]:
    if not credit:
        return
    shown = [row for row in credit if row.effect and row.effect.interval][:SHOWN]
    shown.sort(key=lambda row: -row.effect.mean if row.effect else 0.0)
    caption = (
        "Mean reward of plans with the template − without it, on problems that have both kinds; 95% interval over "
        "problems. Plans differ in more than one template: evidence, and no proof."
    )
    series = tuple(
        Series(name=row.name, points=(Point(x=0.0, y=row.effect.mean, low=low, high=high),))
        for row in shown
        if row.effect and row.effect.interval
        for low, high in [row.effect.interval]
    )
    plot = Plot(
        id="credit",
        title="What templates are worth",
        caption=f"{caption} The {len(series)} most used of {len(credit)} that enough problems tell of.{looked_at}",
        x="template",
        y="reward with − without",
        series=series,
    )
    rows = tuple((row.name, row.problems, row.plans, *_effect(row)) for row in credit)
    table = Table(
        id="templates",
        title="Templates, most used first",
        caption=caption + looked_at,
        columns=("template", "problems", "plans", "matched", "with", "without", "effect", "low", "high"),
        rows=rows,
    )
    yield Section(title="Template credit", drawings=(draw_intervals(plot),) if series else (), tables=(table,))


def _effect(row: TemplateCredit) -> tuple[float | None, ...]:
    if row.effect is None:
        return (0, None, None, None, None, None)
    low, high = row.effect.interval or (None, None)
    rounded = (row.effect.reward_with, row.effect.reward_without, row.effect.mean, low, high)
    return (row.effect.problems, *(None if value is None else round(value, 3) for value in rounded))


def _facts(manifest: Mapping[str, Any], config: Mapping[str, Any]) -> Facts:
    summary = manifest.get("summary", {})
    found: list[tuple[str, Any]] = [(name, manifest.get(name)) for name in ("finished", "seed", "round")]
    for role in ("navigator", "reasoner"):
        spec = config.get(role)
        found.append((role, spec["model"] if isinstance(spec, dict) else spec))
        found.append((f"{role}, digest", manifest.get("checkpoints", {}).get(role)))
        tokens = summary.get(f"{role}_tokens")
        if tokens:
            told = f"{tokens['prompt']:,} prompt ({tokens['cached']:,} cached), {tokens['output']:,} output"
            found.append((f"{role}, tokens", told))
    found += [("library, digest", manifest.get("library")), ("prompts, digest", manifest.get("prompts"))]
    if "seconds" in summary:
        found.append(("seconds of the last session", f"{summary['seconds']:,.0f}"))
    found += [("data set", summary.get("dataset")), *manifest.get("versions", {}).items()]
    return tuple((name, str(value)) for name, value in found if value not in (None, ""))


def _templates(source: str, manifest: Mapping[str, Any], used: set[str]) -> tuple[ThoughtTemplate, ...]:
    """Those of the library that the run used; none where that library is not at hand."""
    try:
        library = load_library(source)
    except ReasonFluxError:
        return ()
    if library.digest != manifest.get("library", library.digest):
        return ()
    return tuple(template for template in library.templates if template.id in used)
