"""The figures of the interplay's models: how plans are judged, what first plans are worth, how much a solver fails."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.records import Problem
from reasonflux.testbed.demonstrations import Bias, demonstrate
from reasonflux.testbed.evaluation import (
    Complete,
    Figure,
    Plan,
    answers_right,
    by_family,
    figure,
    no_plans,
    plan_all,
    read_plan,
    rewards,
)
from reasonflux.testbed.execution import execute
from reasonflux.testbed.judgements import CONTINUE, judgement_prompt, reveals
from reasonflux.testbed.recipe import EvaluationRecipe
from reasonflux.testbed.world import family_of, generate_problems, numbers_of

KINDS = ("revealed", "right", "hidden")
TRIES = 200  # plans drawn for a problem before it is left out of a kind
Case = tuple[Problem, Plan, int]  # a plan and how many of its steps were carried out


@dataclass(frozen=True, kw_only=True)
class JudgingFigures:
    """The interplay's navigator at temperature 1 on trained families and wordings; one plan or judgement a problem."""

    split: str
    seed: int
    similar: int  # size of X_sim
    reward: Figure  # mean reward (Eq. 3) of first plans, to be compared with the starting navigator's
    right_plan: Figure  # share of first plans equal to the family's
    repaired: Figure  # of plans revealed as wrong: share answered with the family's plan
    false_repairs: Figure  # of plans that reach the gold answer: share not continued
    unrevealed_repairs: Figure  # of wrong plans that nothing reveals: share not continued
    unrevealed_righted: Figure  # of those: share answered with the family's plan
    repaired_by_family: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class YardstickFigures:
    """Share of problems that the yardstick answers with their gold, without a plan; all families and wordings."""

    split: str
    seed: int
    solved: Figure  # greedy
    solved_sampled: Figure  # at temperature 1
    solved_by_family: dict[str, float]  # at temperature 1


def kind_of(case: Case) -> str:
    """Of which of `KINDS` a case is; hidden: wrong, and nothing that was carried out so far shows it."""
    problem, plan, done = case
    if reveals(problem, plan, done):
        return "revealed"
    return "right" if str(execute(numbers_of(problem), plan).value) == problem.gold else "hidden"


def cases(problems: Sequence[Problem], bias: Bias, kind: str, seed: int) -> Iterator[Case]:
    """One case of a kind for each problem whose family has such; plans are drawn as demonstrations are."""
    rng = random.Random(f"cases {kind} {seed}")
    for problem in problems:
        for _ in range(TRIES):
            plan = demonstrate(rng, family_of(problem), bias)
            case = (problem, plan, rng.randint(1, len(plan)))
            if kind_of(case) == kind:
                yield case
                break


def judging_figures(
    navigate: Complete, reason: Complete, prompts: PromptSet, bias: Bias, settings: EvaluationRecipe, split: str
) -> JudgingFigures:
    """First plans and judgements on the same problems."""
    problems = generate_problems(settings.problems, split, settings.seed)
    planned = [one.plan for one in plan_all(navigate, prompts, problems)]

    texts = {kind: _judged(navigate, prompts, list(cases(problems, bias, kind, settings.seed))) for kind in KINDS}

    def share(kind: str, counts: Callable[[Problem, str], bool]) -> Figure:
        return figure([p for p, _ in texts[kind]], [float(counts(p, text)) for p, text in texts[kind]])

    return JudgingFigures(
        split=split,
        seed=settings.seed,
        similar=settings.similar,
        reward=figure(problems, rewards(reason, prompts, problems, planned, settings.similar, settings.seed)),
        right_plan=figure(
            problems, [float(one == family_of(p).plan) for p, one in zip(problems, planned, strict=True)]
        ),
        repaired=share("revealed", _righted),
        false_repairs=share("right", _changed),
        unrevealed_repairs=share("hidden", _changed),
        unrevealed_righted=share("hidden", _righted),
        repaired_by_family=by_family(
            [p for p, _ in texts["revealed"]], [float(_righted(p, text)) for p, text in texts["revealed"]]
        ),
    )


def _judged(navigate: Complete, prompts: PromptSet, drawn: Sequence[Case]) -> list[tuple[Problem, str]]:
    texts = navigate([judgement_prompt(prompts, *case) for case in drawn])
    return [(problem, text) for (problem, _, _), text in zip(drawn, texts, strict=True)]


def _changed(problem: Problem, text: str) -> bool:
    return text.strip() != CONTINUE


def _righted(problem: Problem, text: str) -> bool:
    return read_plan(text).plan == family_of(problem).plan


def yardstick_figures(
    solve: Complete, sample: Complete, prompts: PromptSet, settings: EvaluationRecipe, split: str
) -> YardstickFigures:
    """Accuracies without a plan."""
    problems = generate_problems(settings.problems, split, settings.seed, held_out=True)
    sampled = answers_right(sample, prompts, no_plans(problems))
    return YardstickFigures(
        split=split,
        seed=settings.seed,
        solved=figure(problems, answers_right(solve, prompts, no_plans(problems))),
        solved_sampled=figure(problems, sampled),
        solved_by_family=by_family(problems, sampled),
    )
