"""Which problems each figure of a manifest is measured on, and the figures together."""

from collections.abc import Sequence
from dataclasses import dataclass

from reasonflux.identity import digest
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.records import Problem
from reasonflux.testbed.evaluation import (
    Complete,
    Figure,
    answers_right,
    by_family,
    figure,
    no_plans,
    plan_all,
    rewards,
    right_plans,
    wrong_plans,
)
from reasonflux.testbed.recipe import EvaluationRecipe
from reasonflux.testbed.world import family_of, generate_problems, numbers_of

CANDIDATES = 6000  # problems among which held-out ones are looked for


@dataclass(frozen=True, kw_only=True)
class ReasonerFigures:
    """Share of problems answered with their gold; all families and wordings; greedy unless it says otherwise."""

    split: str
    seed: int
    right_plan: Figure
    right_plan_sampled: Figure  # at temperature 1, as rollouts are made
    wrong_plan: Figure
    no_plan: Figure
    right_plan_by_family: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class NavigatorFigures:
    """Mean reward (Eq. 3) of plans under the greedy reasoner; one plan a problem."""

    split: str
    seed: int
    similar: int  # size of X_sim
    reward: Figure  # plans sampled at temperature 1, trained families and wordings
    reward_greedy: Figure  # likeliest plans, the same problems
    reward_held_out_wordings: Figure  # temperature 1, trained families in a wording never seen
    reward_held_out_families: Figure  # temperature 1, families never seen
    right_plan: Figure  # share of sampled plans equal to the family's, trained families and wordings
    in_library: float  # share of the names of sampled plans that stand in the library as written
    reward_by_family: dict[str, float]


def reasoner_figures(
    reason: Complete, sample: Complete, prompts: PromptSet, settings: EvaluationRecipe, split: str
) -> ReasonerFigures:
    """Accuracies on the right plan, on a wrong one and without any."""
    problems = generate_problems(settings.problems, split, settings.seed, held_out=True)
    right = answers_right(reason, prompts, right_plans(problems))
    sampled = answers_right(sample, prompts, right_plans(problems))
    wrong = answers_right(reason, prompts, wrong_plans(problems, settings.seed))
    free = answers_right(reason, prompts, no_plans(problems))
    return ReasonerFigures(
        split=split,
        seed=settings.seed,
        right_plan=figure(problems, right),
        right_plan_sampled=figure(problems, sampled),
        wrong_plan=figure(problems, wrong),
        no_plan=figure(problems, free),
        right_plan_by_family=by_family(problems, right),
    )


def navigator_figures(
    sample: Complete, greedy: Complete, reason: Complete, prompts: PromptSet, settings: EvaluationRecipe, split: str
) -> NavigatorFigures:
    """Mean rewards of sampled and of likeliest plans, held-out wordings and families apart."""

    def reward(navigate: Complete, problems: Sequence[Problem]) -> list[float]:
        plans = [planned.plan for planned in plan_all(navigate, prompts, problems)]
        return rewards(reason, prompts, problems, plans, settings.similar, settings.seed)

    trained = generate_problems(settings.problems, split, settings.seed)
    candidates = generate_problems(CANDIDATES, split, settings.seed, held_out=True)
    wordings = balanced([p for p in candidates if p.held_out and not _unseen(p)], settings.held_out)
    families = balanced([p for p in candidates if _unseen(p)], settings.held_out)
    planned = plan_all(sample, prompts, trained)
    sampled = rewards(reason, prompts, trained, [one.plan for one in planned], settings.similar, settings.seed)
    exact = [float(one.plan == family_of(p).plan) for one, p in zip(planned, trained, strict=True)]
    names = sum(len(one.plan) for one in planned)
    return NavigatorFigures(
        split=split,
        seed=settings.seed,
        similar=settings.similar,
        reward=figure(trained, sampled),
        reward_greedy=figure(trained, reward(greedy, trained)),
        reward_held_out_wordings=figure(wordings, reward(sample, wordings)),
        reward_held_out_families=figure(families, reward(sample, families)),
        right_plan=figure(trained, exact),
        in_library=round(sum(one.in_library for one in planned) / max(names, 1), 4),
        reward_by_family=by_family(trained, sampled),
    )


def _unseen(problem: Problem) -> bool:
    return family_of(problem).held_out


def balanced(problems: Sequence[Problem], count: int) -> list[Problem]:
    """The first `count` problems when the families take turns, no numbers of a family twice."""
    groups: dict[str, dict[str, Problem]] = {}
    for problem in problems:
        groups.setdefault(family_of(problem).name, {}).setdefault(digest(dict(numbers_of(problem))), problem)
    turns = max(len(group) for group in groups.values())
    queues = [list(group.values()) for group in groups.values()]
    return [queue[turn] for turn in range(turns) for queue in queues if turn < len(queue)][:count]
