"""Whether one pass under the trained navigator reaches the starting navigator's vote, and when its training pays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from pydantic import Field

from reasonflux.config import Model
from reasonflux.evals.exhibits import Table
from reasonflux.evals.studies.curves import Curve, Rung, rungs
from reasonflux.evals.studies.material import Arm, Material, same_problems
from reasonflux.evals.studies.showing import INTERVALS, Mean
from reasonflux.evals.studies.training_cost import TrainingCost


class Goal(Model):
    """The trained navigator with few samples against the starting one with many, the reasoner being the same."""

    trained: Arm
    starting: Arm
    votes: int = Field(16, gt=0)  # of the starting navigator: majority of so many samples
    samples: tuple[int, ...] = (1, 2, 4)  # of the trained one
    share: float = Field(0.25, gt=0)  # of the vote's tokens, that it may cost
    trained_is: str = ""  # what the trained navigator is, where no rounds were given

    @property
    def arms(self) -> tuple[Arm, Arm]:
        """Both sides."""
        return self.trained, self.starting

    def tables(self, material: Material, benchmark: str) -> tuple[Table, ...]:
        """The comparison, and the break-even of those budgets that reach the vote."""
        (vote,) = _ladder(self.starting, (self.votes,), material, benchmark)
        own = _ladder(self.trained, self.samples, material, benchmark)
        found = [compared(one, vote, self.share) for one in own]
        return self._table(vote, found, material.training), self._break_even(vote, found, material.training)

    def _table(self, vote: Rung, found: Sequence["Compared"], training: TrainingCost | None) -> Table:
        accuracy = Mean.of(list(vote.right.values())).percent()
        rows = [
            ("starting", f"majority of {self.votes}", accuracy, f"{_tokens(vote):,.0f}", "1.00", None, None),
            *(("trained", f"majority of {one.samples}" if one.samples > 1 else "one", *one.cells()) for one in found),
        ]
        columns = ("navigator", "samples", "accuracy, %", "tokens a problem", "share of the vote's tokens")
        trained = f" The trained navigator: {self.trained_is}." if training is None and self.trained_is else ""
        caption = (
            f"Goal: at most {self.share:g} of the vote's tokens, and not less accurate; one reasoner for both. "
            f"{INTERVALS}{trained}"
        )
        return Table(
            id="goal",
            title=f"Guided by the trained navigator against majority@{self.votes} of the starting one",
            caption=caption,
            columns=(*columns, "difference, points", "goal"),
            rows=tuple(rows),
        )

    def _break_even(self, vote: Rung, found: Sequence["Compared"], training: TrainingCost | None) -> Table:
        cost = training.total if training else None
        rows = tuple(
            (
                f"trained, {one.samples}",
                f"{_tokens(vote) - one.tokens:,.0f}",
                None if cost is None else f"{cost:,}",
                break_even(cost, _tokens(vote) - one.tokens) if one.difference.value >= 0 else None,
            )
            for one in found
        )
        of = (
            f"Training: {training.generated:,} tokens of plans and rollouts, {training.judged:,} of gates, "
            f"{training.learnt:,} read in {training.rounds} rounds; a token counts as one whatever is done with it."
            if training
            else "No run of rounds was given: what training cost is not known."
        )
        columns = ("navigator, samples", "tokens saved a problem", "tokens of the training", "problems until it pays")
        caption = f"{of} Only what is not less accurate than the vote has a break-even."
        return Table(id="break-even", title="When training pays", caption=caption, columns=columns, rows=rows)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One budget of the trained navigator beside the vote."""

    samples: int
    accuracy: Mean
    tokens: float
    share: float  # of the vote's tokens
    difference: Mean  # by problem, to the vote
    verdict: str

    def cells(self) -> tuple[str, ...]:
        """Of a table."""
        cost = f"{self.tokens:,.0f}", f"{self.share:.2f}"
        return self.accuracy.percent(), *cost, self.difference.percent(signed=True), self.verdict


def compared(one: Rung, vote: Rung, share: float) -> Compared:
    """By problem; the goal is reached where the mean is not below the vote's, at no more than `share` of its tokens."""
    problems = same_problems(trained=one.right, starting=vote.right)
    difference = Mean.of([one.right[problem] - vote.right[problem] for problem in problems])
    spent = _tokens(one) / _tokens(vote)
    verdict = "reached" if difference.value >= 0 else "missed"
    if difference.low < 0 < difference.high:
        verdict += ", within the interval"
    return Compared(
        samples=one.budget,
        accuracy=Mean.of(list(one.right.values())),
        tokens=_tokens(one),
        share=spent,
        difference=difference,
        verdict=verdict if spent <= share else f"too dear ({verdict})",
    )


def break_even(cost: float | None, saved: float) -> str | None:
    """Problems after which `saved` tokens each are worth the training's; None where it never pays or is unknown."""
    return None if cost is None or saved <= 0 else f"{cost / saved:,.0f}"


def _ladder(arm: Arm, samples: Sequence[int], material: Material, benchmark: str) -> list[Rung]:
    curve = Curve(name=arm, arms=(arm,), budgets=tuple(samples), unit="samples", choice="majority")
    return rungs(curve, material, benchmark)


def _tokens(rung: Rung) -> float:
    values: Mapping[str, float] = rung.tokens
    return fmean(values.values())
