"""A run's credit as tables and as a picture."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from typing import Any

from rich.table import Table

from reasonflux.library.credit import Effect, TemplateCredit, Use, credit_by_template, uses
from reasonflux.library.load import TemplateLibrary
from reasonflux.library.proposals import Proposal, propose
from reasonflux.records import Problem, Trajectory, TrajectoryReward
from reasonflux.storage.run import Run

SHOWN = 40  # templates of a table or picture, most used first


@dataclass(frozen=True, kw_only=True)
class CreditReport:
    """Every template that a run used, what to do about them, and how many the run never used."""

    rows: tuple[TemplateCredit, ...]
    proposals: tuple[Proposal, ...]
    unused: tuple[str, ...]  # names, in the library's order

    @classmethod
    def of(cls, found: Sequence[Use], library: TemplateLibrary) -> "CreditReport":
        """Out of a run's uses."""
        used = {use.template_id for use in found}
        unused = tuple(template.name for template in library.templates if template.id not in used)
        return cls(rows=tuple(credit_by_template(found)), proposals=tuple(propose(found, library)), unused=unused)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    def tables(self) -> list[Table]:
        """Templates, most used first, below each the groups that are large enough to tell; then the proposals."""
        title = f"Credit of {len(self.rows)} templates; {len(self.unused)} were never used"
        found = Table("template", "problems", "plans", "matched", "with", "without", "effect (95%)", title=title)
        for row in self.rows[:SHOWN]:
            found.add_row(row.name, f"{row.problems:,}", f"{row.plans:,}", *_cells(row.effect))
            told = {group: effect for group, effect in row.by_group.items() if effect.interval}
            for group, effect in told.items():
                found.add_row(f"  {group}", "", "", *_cells(effect), style="dim")
        proposed = Table("proposal", "templates", "why", title=f"{len(self.proposals)} proposals")
        for proposal in self.proposals:
            proposed.add_row(proposal.action, "\n".join(proposal.names), proposal.why)
        return [found, proposed]

    def picture(self) -> bytes:
        """A PNG: each template's effect and interval, best first, among the most used."""
        from matplotlib.figure import Figure

        shown = [row for row in self.rows if row.effect and row.effect.interval][:SHOWN]
        shown.sort(key=lambda row: row.effect.mean if row.effect else 0.0)
        figure = Figure(figsize=(9, 1.5 + 0.28 * len(shown)), layout="constrained")
        axes = figure.subplots()
        for place, row in enumerate(shown):
            effect = row.effect
            if effect and effect.interval:
                axes.plot(effect.interval, (place, place), color="0.6")
                axes.plot(effect.mean, place, "o", color="C0")
        axes.axvline(0, color="0.8", zorder=0)
        axes.set_yticks(range(len(shown)), [row.name.replace("$", r"\$") for row in shown])
        axes.set_xlabel("mean reward with the template − without it, on the same problems; 95% interval")
        buffer = BytesIO()
        figure.savefig(buffer, format="png", dpi=120)
        return buffer.getvalue()


def read_uses(run: Run) -> list[Use]:
    """Every use of a run, shard by shard; raises `BadInput` for a run whose rewards are not there yet."""
    problems, plans = run.stage("problems", Problem), run.stage("trajectories", Trajectory)
    rewards = run.stage("rewards", TrajectoryReward)
    shards = rewards.finished_shards("Name a run of jobs/generate_pairs.py")  # of the three stages the last
    return [
        use
        for shard in range(shards)
        for use in uses(problems.records(shard), plans.records(shard), rewards.records(shard))
    ]


def _cells(effect: Effect | None) -> tuple[str, str, str, str]:
    if effect is None:
        return "0", "", "", "no problem has plans of both kinds"
    interval = f" ({effect.interval[0]:+.3f} to {effect.interval[1]:+.3f})" if effect.interval else " (too few)"
    return (
        f"{effect.problems:,}",
        f"{effect.reward_with:.3f}",
        f"{effect.reward_without:.3f}",
        f"{effect.mean:+.3f}{interval}",
    )
