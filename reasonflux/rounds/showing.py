"""Rounds for people: what each did and what stands after it, its gate, the learning curve as a table and a picture."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

from reasonflux.rounds.curve import GROUPS, Point
from reasonflux.rounds.record import RoundRecord, standing_after

GATE_COLUMNS = (
    *("problem set", "finding", "problems", "samples", "parent", "candidate", "difference (95%)", "p", "α"),
    "could be seen",
)
PICTURES = ("learning_curve.svg", "learning_curve.png")

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.table import Table
    from rich.tree import Tree


def tree(run: str, records: Sequence[RoundRecord], *, finished: bool) -> "Tree":
    """The rounds of a run: what each began with, learnt from and was judged by, and what stands after the last."""
    from rich.text import Text
    from rich.tree import Tree

    root = Tree(Text(f"{run}: {'finished' if finished else 'not finished'}"))
    for record in records:
        branch = root.add(Text(f"round {record.number}, {record.role}: {'promoted' if record.promoted else 'kept'}"))
        for line in _lines(record):
            branch.add(Text(line))
    for role, served in standing_after(records).items():
        root.add(Text(f"stands now, {role}: {served.digest}  {served.model}"))
    return root


def _lines(record: RoundRecord) -> Iterator[str]:
    reward = "none" if record.reward is None else f"{record.reward:.3f}"
    purity = "" if record.purity is None else f", X_sim {record.purity:.1%} in x's family"
    yield f"parent      {record.parent.digest}  {record.parent.model}"
    yield f"generation  mean reward {reward} over {record.problems:,} problems{purity}; {record.output_tokens:,} tokens"
    yield f"pairs       {record.pairs:,}  {record.dataset}"
    if record.candidate:
        yield f"candidate   {record.candidate.digest}  {record.candidate.model}"
        metrics = record.training.get("metrics", {})
        loss = f", loss {metrics['loss']:.4f}" if "loss" in metrics else ""
        yield f"training    {record.training.get('steps_done', 0):,} steps{loss}"
    yield f"gate        {record.reason}"
    yield f"took        {record.seconds:.0f} s"


def gate_rows(decision: Mapping[str, Any]) -> Iterator[tuple[str | float, ...]]:
    """One row a problem set under `GATE_COLUMNS`, out of `GateDecision.to_json`."""
    for one in (decision["primary"], *decision["benchmarks"]):
        yield (
            *(one["problem_set"], str(one["outcome"]), one["problems"], one["samples"]),
            *(round(one["parent"], 3), round(one["candidate"], 3)),
            f"{one['difference']:+.3f} ({one['low']:+.3f} to {one['high']:+.3f})",
            *(round(one["p"], 4), round(one["level"], 4), round(one["detectable"], 3)),
        )


def gate_table(decision: Mapping[str, Any]) -> "Table":
    """A gate's numbers; the last column is the smallest difference that it sees with the stated power."""
    from rich.table import Table

    table = Table(*GATE_COLUMNS, title="Gate", title_justify="left")
    for row in gate_rows(decision):
        table.add_row(*map(str, row))
    return table


def curve_table(curve: Iterable[Point]) -> "Table":
    """One row a scoring, round and group of problems."""
    from rich.table import Table

    table = Table("scoring", "after round", "problems", "mean (95% interval)", "in library", "pass@k", title="Curve")
    for point in sorted(curve, key=lambda point: (point.scoring, GROUPS.index(point.group), point.after_round)):
        table.add_row(
            point.scoring,
            str(point.after_round),
            f"{point.problems:,} {point.group}",
            f"{point.mean:.3f} ({point.low:.3f} to {point.high:.3f})",
            "–" if point.in_library is None else f"{point.in_library:.1%}",
            "  ".join(f"@{k} {value:.3f}" for k, value in point.pass_at.items()),
        )
    return table


def curve_picture(curve: Sequence[Point], kind: str) -> bytes:
    """`curve_figure` as a file: "png" or "svg"; equal curves give equal files."""
    import matplotlib

    file = BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "curve"}):
        curve_figure(curve).savefig(file, format=kind, dpi=150, metadata={"Date": None} if kind == "svg" else None)
    return file.getvalue()


def curve_figure(curve: Sequence[Point]) -> "Figure":
    """Mean reward against rounds, one line a scoring and group, bars for the intervals.

    What was reached with given plans before the first round is a dashed line: right ones are the ceiling.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    lines: dict[tuple[str, str], list[Point]] = {}
    for point in curve:
        if point.plans == "navigator":
            lines.setdefault((point.scoring, point.group), []).append(point)
        elif point.after_round == 0 and point.group == GROUPS[0]:
            label = f"{point.plans} plans, before the first round"
            axes.axhline(point.mean, linestyle="--" if point.plans == "right" else ":", color="grey", label=label)
    for (scoring, group), points in lines.items():
        means = [point.mean for point in points]
        below = [point.mean - point.low for point in points]
        above = [point.high - point.mean for point in points]
        rounds = [point.after_round for point in points]
        axes.errorbar(rounds, means, yerr=[below, above], marker="o", capsize=3, label=f"{scoring}, {group}")
    axes.set(xlabel="rounds", ylabel="mean reward", ylim=(0, 1.02))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    return figure
