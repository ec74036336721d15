"""Metrics of one method with one model on one benchmark, from stored verdicts alone.

A problem is the unit: its samples are averaged before anything is said of the set. Whatever failed stays in the
denominator, as not correct. pass@k is the unbiased estimate of arXiv 2107.03374, Eq. 1.
"""

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from statistics import fmean
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from reasonflux.errors import BadInput
from reasonflux.evals.samples import ROLES, Mark
from reasonflux.identity import digest, seed_of
from reasonflux.reasoning.methods.voting import sameness
from reasonflux.records import Verdict
from reasonflux.statistics import mean_interval, pass_at

SUBSETS = 1_000  # of a problem's samples, drawn for majority@k where there are more
TOKENS = ("prompt", "output", "cached")
RIGHT = (Verdict.CORRECT,)  # the vote of every correct sample
M = TypeVar("M", bound=Mark)


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean over problems and its 95% bootstrap interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Score:
    """The figures of one (benchmark, model, method)."""

    benchmark: str
    model: str
    method: str
    problems: int
    samples: int  # of each problem
    pass_at_1: Estimate
    pass_at: dict[int, float]  # by k: 1, 2, 4 … up to the samples
    majority_at: dict[int, float]
    verdicts: dict[str, int]  # samples by verdict, all six
    truncated: float  # share of samples
    unparsed: float
    failed: int  # samples that could not be made or graded; not correct, and in the denominator
    tokens: dict[str, dict[str, float]]  # by role: mean prompt, output and cached prompt tokens of a solution
    requests: float  # mean of a solution
    rounds: float
    templates: float
    seconds: float  # mean wall time of a solution, many at once
    judged: int  # samples that the LLM judge gave an opinion on
    disagreements: int  # of those, where judge and grader differ

    @property
    def tokens_a_solution(self) -> float:
        """Prompt and output tokens of all roles, mean of a solution."""
        return sum(spent["prompt"] + spent["output"] for spent in self.tokens.values())

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def score(marks: Sequence[Mark], *, seed: int = 0) -> Score:
    """The figures of samples of one (benchmark, model, method); `seed` is of the intervals.

    Raises `BadInput` for no samples, for problems with unequal numbers of samples or a sample that stands there twice,
    and for samples of several methods, models or benchmarks.
    """
    problems = by_problem(marks)
    samples = len(next(iter(problems.values())))
    means = [fmean(map(correct, own)) for own in problems.values()]
    low, high = mean_interval(means, seed=seed)
    ks = powers_of_two(samples)
    rights = [sum(map(correct, own)) for own in problems.values()]
    verdicts = Counter(mark.verdict for mark in marks)
    judged = [mark for mark in marks if mark.judgement in (Verdict.CORRECT, Verdict.WRONG)]
    return Score(
        benchmark=marks[0].benchmark,
        model=marks[0].model,
        method=marks[0].method,
        problems=len(problems),
        samples=samples,
        pass_at_1=Estimate(mean=fmean(means), low=low, high=high),
        pass_at={k: fmean(pass_at(k, draws=samples, solved=right) for right in rights) for k in ks},
        majority_at={k: fmean(majority_at_k(own, k) for own in problems.values()) for k in ks},
        verdicts={verdict.value: verdicts[verdict] for verdict in Verdict},
        truncated=verdicts[Verdict.TRUNCATED] / len(marks),
        unparsed=verdicts[Verdict.UNPARSED] / len(marks),
        failed=verdicts[Verdict.ERROR],
        tokens={
            role: {kind: fmean(getattr(mark, f"{role}_{kind}_tokens") for mark in marks) for kind in TOKENS}
            for role in ROLES
        },
        requests=fmean(mark.requests for mark in marks),
        rounds=fmean(mark.rounds for mark in marks),
        templates=fmean(mark.templates for mark in marks),
        seconds=fmean(mark.seconds for mark in marks),
        judged=len(judged),
        disagreements=sum((mark.judgement == Verdict.CORRECT) != correct(mark) for mark in judged),
    )


def by_problem(marks: Sequence[M]) -> dict[str, list[M]]:
    """Samples by problem, in the order of the problems' ids; raises `BadInput` as `score` does."""
    if not marks:
        raise BadInput("there are no samples to score", "Run the benchmark first")
    if len({(mark.benchmark, mark.model, mark.method) for mark in marks}) > 1:
        raise BadInput("samples of several methods, models or benchmarks have no common score", "Score each by itself")
    problems: dict[str, list[M]] = {}
    for mark in sorted(marks, key=lambda mark: (mark.problem_id, mark.index)):
        problems.setdefault(mark.problem_id, []).append(mark)
    sizes = {len(own): problem for problem, own in problems.items()}
    if len(sizes) > 1:
        told = " and ".join(f"{size} for {problem}" for size, problem in sorted(sizes.items())[:2])
        raise BadInput(f"problems have unequal numbers of samples: {told}", "Let the run end, or score it by itself")
    for problem, own in problems.items():
        if len({mark.index for mark in own}) < len(own):
            raise BadInput(f"a sample of {problem} stands there twice", "Score each sample once")
    return problems


def correct(mark: Mark) -> bool:
    """Whether a sample counts as solved."""
    return mark.verdict == Verdict.CORRECT


def majority_at_k(marks: Sequence[Mark], k: int) -> float:
    """Chance that the answer which most of k of a problem's samples give is correct; ties are drawn by lot.

    All correct answers are one answer, wrong ones are told apart by `sameness`; samples without an answer do not vote.
    Over all subsets of k samples where there are at most `SUBSETS`, else over as many drawn by the problem's id.
    """
    votes = Counter(map(_vote, marks))
    silent = votes.pop(None, 0)
    answers = list(votes)
    counts = [votes[answer] for answer in answers]
    if math.comb(len(marks), k) <= SUBSETS:
        places = [place for place, count in enumerate([*counts, silent]) for _ in range(count)]
        drawn = np.array([np.bincount(subset, minlength=len(counts) + 1) for subset in combinations(places, k)])
    else:
        rng = np.random.default_rng(seed_of(digest("majority", marks[0].problem_id, k)))
        drawn = rng.multivariate_hypergeometric([*counts, silent], k, size=SUBSETS)
    return _elected(drawn[:, :-1], answers.index(RIGHT)) if RIGHT in answers else 0.0


def powers_of_two(n: int) -> list[int]:
    """1, 2, 4 … and n itself."""
    return sorted({1 << power for power in range(n.bit_length()) if 1 << power <= n} | {n})


def group(marks: Iterable[Mark]) -> Mapping[tuple[str, str, str], list[Mark]]:
    """Samples by (benchmark, model, method), in the order of their first."""
    groups: dict[tuple[str, str, str], list[Mark]] = {}
    for mark in marks:
        groups.setdefault((mark.benchmark, mark.model, mark.method), []).append(mark)
    return groups


def _vote(mark: Mark) -> Hashable:
    """What a sample votes for: `RIGHT`, the sameness of a wrong one, or None for nothing."""
    if correct(mark):
        return RIGHT
    return (Verdict.WRONG, sameness(mark.answer)) if mark.verdict == Verdict.WRONG else None


def _elected(votes: NDArray[np.int64], right: int) -> float:
    """Share of subsets (rows) in which the answer in column `right` has most votes; a tie counts as its chance."""
    most = votes.max(axis=1)
    winners = (votes == most[:, None]).sum(axis=1)
    return float(np.where((votes[:, right] == most) & (most > 0), 1 / winners, 0.0).mean())
