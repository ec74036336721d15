"""The figures of the testbed's models: accuracies of the reasoner and mean reward of the navigator, with intervals."""

import difflib
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from reasonflux.identity import digest
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.records import Problem
from reasonflux.testbed.corruption import corrupt
from reasonflux.testbed.execution import plan_text
from reasonflux.testbed.subjects import TEMPLATES
from reasonflux.testbed.tokenizer import chat_prompt
from reasonflux.testbed.world import family_of, numbers_of, similar_problems

Complete = Callable[[Sequence[str]], list[str]]  # prompts to texts, one each
Plan = tuple[str, ...]
RESAMPLES = 2000
_STEP = re.compile(r"^\s*\d+\.\s*(.+?)\s*$", re.MULTILINE)
_BOX = re.compile(r"\\boxed\{([^{}]*)\}")


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A mean over `n` problems with distinct numbers, and its 95% interval."""

    mean: float
    low: float
    high: float
    n: int


def figure(problems: Sequence[Problem], values: Sequence[float], seed: int = 0) -> Figure:
    """Mean of one value a problem; the bootstrap draws distinct tuples of numbers anew inside each family.

    Values of problems that share their numbers are averaged first and count as one.
    """
    groups: dict[str, dict[str, list[float]]] = {}
    for problem, value in zip(problems, values, strict=True):
        tuples = groups.setdefault(family_of(problem).name, {})
        tuples.setdefault(digest(dict(numbers_of(problem))), []).append(value)
    strata = [np.array([np.mean(same) for same in tuples.values()]) for tuples in groups.values()]
    rng = np.random.default_rng(seed)
    totals = np.zeros(RESAMPLES)
    for stratum in strata:
        totals += stratum[rng.integers(0, len(stratum), (RESAMPLES, len(stratum)))].sum(axis=1)
    count = sum(len(stratum) for stratum in strata)
    low, high = np.quantile(totals / count, [0.025, 0.975])
    mean = sum(float(stratum.sum()) for stratum in strata) / count
    return Figure(mean=round(mean, 4), low=round(float(low), 4), high=round(float(high), 4), n=count)


def by_family(problems: Sequence[Problem], values: Sequence[float]) -> dict[str, float]:
    """Mean value of each family."""
    groups: dict[str, list[float]] = {}
    for problem, value in zip(problems, values, strict=True):
        groups.setdefault(family_of(problem).name, []).append(value)
    return {family: round(float(np.mean(group)), 4) for family, group in sorted(groups.items())}


def boxed(text: str) -> str | None:
    """What stands in the last box of a text."""
    found = _BOX.findall(text)
    return found[-1] if found else None


def answers_right(complete: Complete, prompts: PromptSet, items: Sequence[tuple[Problem, Plan | None]]) -> list[float]:
    """1.0 for each problem that the reasoner answers with its gold under the plan, or without one; else 0.0."""
    texts = complete([_reasoner_prompt(prompts, problem, plan) for problem, plan in items])
    return [float(boxed(text) == problem.gold) for text, (problem, _) in zip(texts, items, strict=True)]


def _reasoner_prompt(prompts: PromptSet, problem: Problem, plan: Plan | None) -> str:
    if plan is None:
        return chat_prompt(prompts.render("direct", problem=problem))
    return chat_prompt(prompts.render("reasoner", plan=plan_text(plan), problem=problem))


def right_plans(problems: Sequence[Problem]) -> list[tuple[Problem, Plan | None]]:
    """Each problem with its family's plan."""
    return [(problem, family_of(problem).plan) for problem in problems]


def wrong_plans(problems: Sequence[Problem], seed: int) -> list[tuple[Problem, Plan | None]]:
    """Each problem with a corrupted plan; a few of these reach the answer all the same."""
    rng = random.Random(f"wrong plans {seed}")
    return [(problem, corrupt(rng, family_of(problem))) for problem in problems]


def no_plans(problems: Sequence[Problem]) -> list[tuple[Problem, Plan | None]]:
    """Each problem with no plan."""
    return [(problem, None) for problem in problems]


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A plan that the navigator wrote, resolved to the library, and how many of its names stood there as written."""

    plan: Plan
    in_library: int


def read_plan(text: str) -> Planned:
    """The numbered lines of a text, each resolved to the template with the closest name."""
    names = _STEP.findall(text)
    closest = [n if n in TEMPLATES else difflib.get_close_matches(n, TEMPLATES, 1, 0.0)[0] for n in names]
    return Planned(plan=tuple(closest), in_library=sum(name in TEMPLATES for name in names))


def plan_all(navigate: Complete, prompts: PromptSet, problems: Sequence[Problem]) -> list[Planned]:
    """One plan of the navigator for each problem."""
    texts = navigate([chat_prompt(prompts.render("navigator", problem=problem)) for problem in problems])
    return [read_plan(text) for text in texts]


def rewards(
    reason: Complete, prompts: PromptSet, problems: Sequence[Problem], plans: Sequence[Plan], similar: int, seed: int
) -> list[float]:
    """Eq. 3 of arXiv 2502.06772 for each problem's plan: share right over x and `similar` − 1 others like it."""
    items: list[tuple[Problem, Plan | None]] = []
    for problem, plan in zip(problems, plans, strict=True):
        items += [(one, plan) for one in (problem, *similar_problems(problem, similar - 1, seed))]
    right = answers_right(reason, prompts, items)
    return [float(np.mean(right[start : start + similar])) for start in range(0, len(right), similar)]
