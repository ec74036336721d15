"""What a template is worth: reward with and without it, on the same problems, out of any run's rewarded plans.

A problem counts for a template where some of its plans use the template and others do not; the effect is the mean over
those problems of mean reward with it − mean reward without it, its interval a bootstrap over problems. Plans of one
problem differ in more than one template, so that an effect is evidence and no proof.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reasonflux.records import Problem, Step, Trajectory, TrajectoryReward
from reasonflux.statistics import CONFIDENCE, mean_interval

SEED = 0
FEWEST_PROBLEMS = 10  # fewer give no interval that a bootstrap can be trusted with


@dataclass(frozen=True, kw_only=True)
class Use:
    """One template on one problem; plans are counted as often as they were drawn."""

    template_id: str
    name: str
    problem_id: str
    group: str  # the problem's level, else its family, else empty
    plans: tuple[str, ...]  # ids of the distinct plans with it
    plans_with: int
    plans_without: int
    reward_with: float  # mean
    reward_without: float | None  # None where every plan uses the template


@dataclass(frozen=True, kw_only=True)
class Effect:
    """reward with − reward without, over matched problems; the interval is None for fewer than `FEWEST_PROBLEMS`."""

    problems: int
    reward_with: float
    reward_without: float
    interval: tuple[float, float] | None

    @property
    def mean(self) -> float:
        """The effect itself."""
        return self.reward_with - self.reward_without


@dataclass(frozen=True, kw_only=True)
class TemplateCredit:
    """What a run says about one template."""

    template_id: str
    name: str
    problems: int  # where it was used at all
    plans: int
    effect: Effect | None  # None where no problem is matched
    by_group: Mapping[str, Effect]  # by difficulty, or family, where problems name one


def uses(
    problems: Sequence[Problem], trajectories: Sequence[Trajectory], rewards: Sequence[TrajectoryReward]
) -> list[Use]:
    """Every template of every problem of a shard, out of its plans with an exhaustive reward."""
    by_id = {trajectory.id: trajectory for trajectory in trajectories}
    plans: dict[str, list[tuple[Mapping[str, Step], TrajectoryReward]]] = defaultdict(list)
    for reward in rewards:
        if reward.reward is not None and reward.exhaustive:
            steps = {step.template_id: step for step in by_id[reward.id].steps if step.template_id is not None}
            plans[reward.problem_id].append((steps, reward))
    found = []
    for problem in problems:
        used = {template_id: step for steps, _ in plans[problem.id] for template_id, step in steps.items()}
        for template_id in sorted(used):
            with_it = [reward for steps, reward in plans[problem.id] if template_id in steps]
            without = [reward for steps, reward in plans[problem.id] if template_id not in steps]
            found.append(
                Use(
                    template_id=template_id,
                    name=used[template_id].name,
                    problem_id=problem.id,
                    group=problem.level or problem.family or "",
                    plans=tuple(sorted(reward.id for reward in with_it)),
                    plans_with=sum(reward.multiplicity for reward in with_it),
                    plans_without=sum(reward.multiplicity for reward in without),
                    reward_with=_mean(with_it),
                    reward_without=_mean(without) if without else None,
                )
            )
    return found


def credit_by_template(found: Iterable[Use], confidence: float = CONFIDENCE) -> list[TemplateCredit]:
    """One row a template, most used first."""
    by_template: dict[str, list[Use]] = defaultdict(list)
    for use in found:
        by_template[use.template_id].append(use)
    rows = []
    for template_id, each in by_template.items():
        matched = [use for use in each if use.reward_without is not None]
        groups = sorted({use.group for use in matched} - {""})
        rows.append(
            TemplateCredit(
                template_id=template_id,
                name=each[0].name,
                problems=len(each),
                plans=sum(use.plans_with for use in each),
                effect=effect(matched, confidence) if matched else None,
                by_group={
                    group: effect([use for use in matched if use.group == group], confidence) for group in groups
                },
            )
        )
    return sorted(rows, key=lambda row: (-row.plans, row.name, row.template_id))


def effect(matched: Sequence[Use], confidence: float = CONFIDENCE) -> Effect:
    """Over problems that have plans of both kinds; every problem counts alike."""
    with_it = [use.reward_with for use in matched]
    without = [use.reward_without or 0.0 for use in matched]
    differences = [one - other for one, other in zip(with_it, without, strict=True)]
    enough = len(matched) >= FEWEST_PROBLEMS
    return Effect(
        problems=len(matched),
        reward_with=sum(with_it) / len(matched),
        reward_without=sum(without) / len(matched),
        interval=mean_interval(differences, seed=SEED, confidence=confidence) if enough else None,
    )


def _mean(rewards: Sequence[TrajectoryReward]) -> float:
    """Mean reward over draws."""
    total = sum(reward.multiplicity for reward in rewards)
    return sum(reward.multiplicity * (reward.reward or 0.0) for reward in rewards) / total
