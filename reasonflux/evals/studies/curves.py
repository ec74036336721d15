"""Ways to answer at growing budgets: what each rung solves, and what it costs in tokens of all roles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from pydantic import Field, model_validator

from reasonflux.config import Model
from reasonflux.errors import BadInput
from reasonflux.evals.metrics import correct, majority_at_k
from reasonflux.evals.samples import ROLES, Mark
from reasonflux.evals.studies.material import Arm, Material
from reasonflux.statistics import pass_at


class Curve(Model):
    """One way to answer: several arms of growing budget, or one arm of which more and more samples are taken."""

    name: str
    arms: tuple[Arm, ...] = Field(min_length=1)
    budgets: tuple[int, ...] = Field(min_length=1)  # of each arm; of a choice among samples, how many they are
    unit: str  # what a budget counts
    choice: Literal["single", "majority", "oracle"] = "single"  # oracle: any of the samples; a ceiling

    @model_validator(mode="after")
    def _whole(self) -> "Curve":
        if self.choice == "single" and len(self.arms) != len(self.budgets):
            raise ValueError("name a budget for each arm")
        if self.choice != "single" and len(self.arms) > 1:
            raise ValueError("samples are chosen among those of one arm")
        if list(self.budgets) != sorted(set(self.budgets)) or self.budgets[0] < 1:
            raise ValueError("budgets grow, from 1 or more")
        return self

    @property
    def ceiling(self) -> bool:
        """Whether it sees the gold answer."""
        return self.choice == "oracle"


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One budget of a curve, by problem."""

    budget: int
    right: Mapping[str, float]  # chance that its answer is right
    tokens: Mapping[str, float]  # prompt and output tokens of all roles, mean


def rungs(curve: Curve, material: Material, benchmark: str) -> list[Rung]:
    """The rungs of a curve, cheapest first; raises `BadInput` where a choice asks for more samples than there are."""
    arms = curve.arms if curve.choice == "single" else curve.arms * len(curve.budgets)
    return [
        rung(curve, budget, material.problems(arm, benchmark)) for arm, budget in zip(arms, curve.budgets, strict=True)
    ]


def rung(curve: Curve, budget: int, problems: Mapping[str, Sequence[Mark]]) -> Rung:
    """What a curve makes of one budget."""
    if curve.choice == "single":
        right = {problem: fmean(map(correct, marks)) for problem, marks in problems.items()}
        return Rung(budget=budget, right=right, tokens=mean_tokens(problems))
    least = min(len(marks) for marks in problems.values())
    if budget > least:
        raise BadInput(f"{curve.name}: {budget} samples are asked for, {least} were drawn", "Draw more in the suite")
    chance = majority_at_k if curve.choice == "majority" else _any_of
    return Rung(
        budget=budget,
        right={problem: chance(marks, budget) for problem, marks in problems.items()},
        tokens={problem: budget * tokens for problem, tokens in mean_tokens(problems).items()},
    )


def mean_tokens(problems: Mapping[str, Sequence[Mark]]) -> dict[str, float]:
    """Prompt and output tokens of a sample, both roles, mean over a problem's samples."""
    return {problem: fmean(map(tokens_of, marks)) for problem, marks in problems.items()}


def tokens_of(mark: Mark) -> int:
    """Prompt and output tokens of all roles; what the prefix cache served counts like any other."""
    return sum(getattr(mark, f"{role}_{kind}_tokens") for role in ROLES for kind in ("prompt", "output"))


def cost_of_solving(chances: Sequence[float], prices: Sequence[float], cap: float) -> float:
    """Expected price of the first budget whose answer is right, each tried by itself; unsolved costs the cap.

    Whether an answer is right is seen by nobody who answers: this is a measure of search, not a way to answer.
    """
    expected, unsolved = 0.0, 1.0
    for chance, price in zip(chances, prices, strict=True):
        expected += unsolved * chance * price
        unsolved *= 1 - chance
    return expected + unsolved * cap


def _any_of(marks: Sequence[Mark], k: int) -> float:
    return pass_at(k, draws=len(marks), solved=sum(map(correct, marks)))
