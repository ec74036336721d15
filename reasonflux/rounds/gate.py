"""The gate: whether a trained candidate takes its parent's place. Numbers in, a decision with all its numbers out.

The primary problem set is fresh each round and used by nothing else. A gain must be significant there, by a sign-flip
permutation test over problems, one-sided, at α shared over the gates that are planned (Bonferroni); and on every other
benchmark the candidate must not be worse than a stated bound. Where the problems are too few to tell, the gate says
"undecided", and a gate that does not promote keeps the parent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from pydantic import Field

from reasonflux.config import Model
from reasonflux.errors import BadInput
from reasonflux.statistics import detectable, mean_interval, sign_flip


class GateRules(Model):
    """What a gate asks for. Gains and bounds are shares of problems solved, in 0..1."""

    alpha: float = Field(0.05, gt=0, lt=1)  # over all planned gates: the chance that any promotes an equal candidate
    planned_gates: int = Field(1, gt=0)
    worth_finding: float = Field(0.05, gt=0)  # the gain that a gate must be able to see
    power: float = Field(0.8, gt=0, lt=1)  # with this probability; else its "no" is "undecided"
    inferiority_bound: float = Field(0.02, gt=0)  # how much worse a benchmark may be
    resamples: int = Field(9_999, gt=0)  # of each test and interval

    @property
    def level(self) -> float:
        """α of one gate."""
        return self.alpha / self.planned_gates


class Outcome(StrEnum):
    """What a comparison shows, and what a gate decides."""

    BETTER = "better"
    NOT_BETTER = "not better"
    NOT_WORSE = "not worse"
    WORSE = "worse"
    UNDECIDED = "undecided"  # too few problems to tell


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Parent and candidate on one problem set: per problem, in one order, the mean over the samples."""

    problem_set: str
    problems: tuple[str, ...]  # ids
    parent: tuple[float, ...]
    candidate: tuple[float, ...]
    samples: int  # per problem and model

    def __post_init__(self) -> None:
        if not len(self.problems) == len(self.parent) == len(self.candidate) == len(set(self.problems)) > 0:
            raise BadInput(
                f"gate: {self.problem_set} does not have one score of parent and candidate for each of its problems",
                "Score both on the same problems, each once",
            )

    @property
    def differences(self) -> list[float]:
        """Candidate − parent, one a problem."""
        return [new - old for new, old in zip(self.candidate, self.parent, strict=True)]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One problem set's numbers."""

    problem_set: str
    outcome: Outcome
    problems: int
    samples: int
    parent: float  # mean
    candidate: float
    difference: float
    low: float  # 95% bootstrap interval of the difference, over problems
    high: float
    p: float  # one-sided, that the candidate is not better (primary) or is worse than the bound (others)
    level: float  # α that p is held against
    detectable: float  # the difference that this many problems show with the stated power


@dataclass(frozen=True, kw_only=True)
class GateDecision:
    """Stored beside the checkpoint."""

    promoted: bool
    outcome: Outcome  # of the whole: better, not better, worse on a benchmark, or undecided
    reason: str  # one sentence
    primary: Comparison
    benchmarks: tuple[Comparison, ...]
    rules: GateRules
    seed: int

    def to_json(self) -> dict[str, Any]:
        """All numbers, for the file."""
        return {**asdict(self), "rules": self.rules.model_dump(mode="json")}


def verdict(decision: Mapping[str, Any]) -> str:
    """One line for people, out of `promoted` and `reason` as JSON has them."""
    told = "may take its parent's place" if decision["promoted"] else "its parent stays"
    return f"{told}: {decision['reason']}"


def decide(primary: Scores, benchmarks: Sequence[Scores], rules: GateRules, seed: int) -> GateDecision:
    """The gate's decision. Deterministic for equal scores, rules and seed."""
    first = _gain(primary, rules, seed)
    others = tuple(_not_worse(scores, rules, seed) for scores in benchmarks)
    worse = [other.problem_set for other in others if other.outcome is Outcome.WORSE]
    unclear = [other.problem_set for other in others if other.outcome is Outcome.UNDECIDED]
    if worse:
        outcome, reason = Outcome.WORSE, f"worse than the bound on {', '.join(worse)}"
    elif first.outcome is not Outcome.BETTER:
        outcome, reason = first.outcome, _told(first, rules)
    elif unclear:
        outcome, reason = Outcome.UNDECIDED, f"too few problems to rule out a loss on {', '.join(unclear)}"
    else:
        outcome, reason = Outcome.BETTER, _told(first, rules)
    return GateDecision(
        promoted=outcome is Outcome.BETTER,
        outcome=outcome,
        reason=reason,
        primary=first,
        benchmarks=others,
        rules=rules,
        seed=seed,
    )


def _gain(scores: Scores, rules: GateRules, seed: int) -> Comparison:
    differences = scores.differences
    p = sign_flip(differences, seed=seed, resamples=rules.resamples)
    smallest = detectable(differences, alpha=rules.level, power=rules.power)
    if p <= rules.level:
        outcome = Outcome.BETTER
    else:
        outcome = Outcome.NOT_BETTER if smallest <= rules.worth_finding else Outcome.UNDECIDED
    return _comparison(scores, outcome, p, rules.level, smallest, rules, seed)


def _not_worse(scores: Scores, rules: GateRules, seed: int) -> Comparison:
    """Non-inferiority: the differences, raised by the bound, are above zero; worse: lowered, they are below it."""
    differences = scores.differences
    raised = [each + rules.inferiority_bound for each in differences]
    p = sign_flip(raised, seed=seed, resamples=rules.resamples)
    if p <= rules.alpha:
        outcome = Outcome.NOT_WORSE
    elif sign_flip([-each for each in raised], seed=seed, resamples=rules.resamples) <= rules.alpha:
        outcome = Outcome.WORSE
    else:
        outcome = Outcome.UNDECIDED
    smallest = detectable(differences, alpha=rules.alpha, power=rules.power)
    return _comparison(scores, outcome, p, rules.alpha, smallest, rules, seed)


def _comparison(
    scores: Scores, outcome: Outcome, p: float, level: float, smallest: float, rules: GateRules, seed: int
) -> Comparison:
    n = len(scores.problems)
    low, high = mean_interval(scores.differences, seed=seed, resamples=rules.resamples)
    return Comparison(
        problem_set=scores.problem_set,
        outcome=outcome,
        problems=n,
        samples=scores.samples,
        parent=sum(scores.parent) / n,
        candidate=sum(scores.candidate) / n,
        difference=sum(scores.differences) / n,
        low=low,
        high=high,
        p=p,
        level=level,
        detectable=smallest,
    )


def _told(first: Comparison, rules: GateRules) -> str:
    numbers = f"{first.difference:+.3f} [{first.low:+.3f}, {first.high:+.3f}], p = {first.p:.4f}, α = {first.level:.4f}"
    if first.outcome is Outcome.UNDECIDED:
        return (
            f"{numbers}; {first.problems} problems show no gain below {first.detectable:.3f}, "
            f"and one of {rules.worth_finding:.3f} is worth finding"
        )
    return f"{first.outcome} on {first.problem_set}: {numbers}"
