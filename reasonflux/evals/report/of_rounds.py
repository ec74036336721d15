"""A job of rounds: what stands after each and why, the learning curve, and every round's problems."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import yaml

from reasonflux.errors import ReasonFluxError
from reasonflux.evals.exhibits import Plot, Series, Table
from reasonflux.evals.exhibits import Point as Shown
from reasonflux.evals.report.drawing import draw_plot
from reasonflux.evals.report.of_pairs import read_pairs_run
from reasonflux.evals.report.parts import Facts, Item, RunPart, Section
from reasonflux.evals.report.round_graph import draw_rounds
from reasonflux.records import ThoughtTemplate
from reasonflux.rounds.curve import GROUPS, Point
from reasonflux.rounds.record import RoundRecord, read_records
from reasonflux.storage.run import Run

CURVES = dict(zip(GROUPS, ("problems as trained on", "held-out wordings", "held-out families"), strict=True))
GIVEN = {"right": "right plans (ceiling)", "wrong": "wrong plans"}


def read_rounds_run(run: Run, most: int) -> RunPart:
    """Finished or not: the rounds that are done."""
    records, manifest = list(read_records(run.store)), run.manifest() or {}
    config = yaml.safe_load(run.store.read("config.yaml"))
    curve = [Point.read(point) for point in manifest.get("curve", [])]
    parts = list(_pairs(run, records, most))
    items = tuple(item for part in parts for item in part.items)
    templates: dict[str, ThoughtTemplate] = {each.id: each for part in parts for each in part.templates}
    return RunPart(
        title=str(config["name"]),
        kind="rounds",
        place=run.store.uri,
        tiles=tuple(_tiles(records, curve)),
        sections=tuple(_sections(records, curve)),
        facts=_facts(manifest, config),
        config=run.store.read("config.yaml").decode(errors="replace"),
        items=items,
        templates=tuple(templates.values()),
        problems=sum(part.problems for part in parts),
    )


def pairs_run(run: Run, record: RoundRecord) -> Run:
    """The main job's run of a round."""
    return Run(run.store.child(f"round-{record.number}", "pairs"))


def _pairs(run: Run, records: Sequence[RoundRecord], most: int) -> Iterator[RunPart]:
    """Each round's problems, as far as they are still there, under ids that name the round."""
    for record in records:
        try:
            part = read_pairs_run(pairs_run(run, record), most // len(records))
        except ReasonFluxError:
            continue
        yield _of_round(part, record.number)


def _of_round(part: RunPart, number: int) -> RunPart:
    def renamed(item: Item) -> Item:
        return replace(item, id=f"round-{number}/{item.id}", problem_set=f"round {number}")

    return replace(part, items=tuple(map(renamed, part.items)))


def _tiles(records: Sequence[RoundRecord], curve: Sequence[Point]) -> Iterator[tuple[str, str]]:
    yield f"{len(records)}", "rounds"
    yield f"{sum(record.promoted for record in records)}", "checkpoints promoted"
    yield f"{sum(record.pairs for record in records):,}", "pairs learnt from"
    lines = {(point.scoring, point.group): point for point in curve if point.plans == "navigator"}
    for scoring, group in list(lines)[:2]:
        own = [point for point in curve if (point.scoring, point.group) == (scoring, group)]
        first, last = (pick(own, key=lambda point: point.after_round) for pick in (min, max))
        if first is not last:
            yield f"{first.mean:.3f} → {last.mean:.3f}", f"{scoring}, {group}: mean reward, first and last"


def _sections(records: Sequence[RoundRecord], curve: Sequence[Point]) -> Iterator[Section]:
    yield Section(
        title="Rounds",
        tables=(_rounds(records),),
        drawings=(draw_rounds(records),) if records else (),
    )
    if curve:
        yield Section(title="Learning curve", drawings=tuple(map(draw_plot, _plots(curve))), tables=(_curve(curve),))


def _rounds(records: Sequence[RoundRecord]) -> Table:
    return Table(
        id="rounds",
        title="Rounds",
        caption="Gate: candidate − parent on fresh problems, 95% interval over problems, one-sided p of a sign-flip "
        "permutation test over problems.",
        columns=("round", "trains", "problems", "mean reward", "pairs", "steps", "gate", "p", "outcome", "s"),
        rows=tuple(
            (
                *(record.number, record.role.value, record.problems),
                None if record.reward is None else round(record.reward, 3),
                *(record.pairs, record.training.get("steps_done")),
                *_gate(record),
                *("promoted" if record.promoted else record.reason, round(record.seconds)),
            )
            for record in records
        ),
    )


def _gate(record: RoundRecord) -> tuple[str | None, float | None]:
    primary = (record.gate or {}).get("primary")
    if not primary:
        return None, None
    return f"{primary['difference']:+.3f} ({primary['low']:+.3f} to {primary['high']:+.3f})", round(primary["p"], 4)


def _plots(curve: Sequence[Point]) -> Iterator[Plot]:
    """One plot a group of problems; plans that were given stand in the plot of what they were given for."""
    rounds = sorted({point.after_round for point in curve})
    for group in GROUPS:
        own = [point for point in curve if point.group == group]
        if not own:
            continue
        names = dict.fromkeys((point.scoring, point.plans) for point in own)
        series = tuple(_series(own, scoring, plans, rounds) for scoring, plans in names)
        yield Plot(
            id=f"curve-{group.replace(' ', '-')}",
            title=f"Learning curve: {CURVES[group]}",
            caption=f"Mean reward on {own[0].problems:,} problems; bars are 95% intervals over problems, inside "
            "families where there are any. Given plans are scored once.",
            x="rounds",
            y="mean reward",
            series=series,
        )


def _series(own: Sequence[Point], scoring: str, plans: str, rounds: Sequence[int]) -> Series:
    points = sorted((point for point in own if (point.scoring, point.plans) == (scoring, plans)), key=_after)
    if plans != "navigator":  # they are the same after every round
        first = points[0]
        shown = tuple(Shown(x=float(after), y=first.mean) for after in rounds)
        return Series(name=GIVEN.get(plans, plans), points=shown, ceiling=True)
    shown = tuple(Shown(x=float(point.after_round), y=point.mean, low=point.low, high=point.high) for point in points)
    return Series(name=scoring, points=shown)


def _after(point: Point) -> int:
    return point.after_round


def _curve(curve: Sequence[Point]) -> Table:
    ordered = sorted(curve, key=lambda point: (point.scoring, GROUPS.index(point.group), point.after_round))
    ks = sorted({k for point in curve for k in point.pass_at})
    return Table(
        id="curve",
        title="Learning curve",
        caption="Means over problems with 95% bootstrap intervals.",
        columns=(
            "scoring",
            "problems",
            "n",
            "after round",
            "mean",
            "low",
            "high",
            "in library",
            *(f"@{k}" for k in ks),
        ),
        rows=tuple(
            (
                *(point.scoring, point.group, point.problems, point.after_round),
                *(round(value, 3) for value in (point.mean, point.low, point.high)),
                None if point.in_library is None else round(point.in_library, 3),
                *(round(point.pass_at[k], 3) if k in point.pass_at else None for k in ks),
            )
            for point in ordered
        ),
    )


def _facts(manifest: Mapping[str, Any], config: Mapping[str, Any]) -> Facts:
    found: list[tuple[str, Any]] = [("finished", manifest.get("finished", "not yet")), ("seed", config.get("seed"))]
    found.append(("schedule", ", ".join(config.get("schedule", ()))))
    for role, served in manifest.get("standing", {}).items():
        found.append((f"{role} that stands", f"{served['model']} ({served['digest']})"))
    found += list(manifest.get("versions", {}).items())
    return tuple((name, str(value)) for name, value in found if value not in (None, ""))
