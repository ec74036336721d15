"""The problems of a main-job run with their plans, and the rollouts of each."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reasonflux.evals.report.parts import Course, Item, ShownStep, Turn, counted
from reasonflux.records import (
    GradedRollout,
    Problem,
    Rollout,
    SimilarProblems,
    Step,
    Trajectory,
    TrajectoryReward,
)
from reasonflux.storage.run import Run


@dataclass(frozen=True, kw_only=True)
class Shard:
    """What the report looks at in one shard."""

    problems: list[Problem]
    similar: list[SimilarProblems]
    plans: list[Trajectory]
    rewards: list[TrajectoryReward]
    rollouts: list[Rollout]
    verdicts: list[GradedRollout]

    @classmethod
    def read(cls, run: Run, number: int) -> "Shard":
        """All six stages."""
        return cls(
            problems=run.stage("problems", Problem).records(number),
            similar=run.stage("similar", SimilarProblems).records(number),
            plans=run.stage("trajectories", Trajectory).records(number),
            rewards=run.stage("rewards", TrajectoryReward).records(number),
            rollouts=run.stage("rollouts", Rollout).records(number),
            verdicts=run.stage("verdicts", GradedRollout).records(number),
        )


def items_of(shard: Shard) -> Iterator[Item]:
    """One item a problem, its plans by reward, its own rollouts before those at similar problems."""
    by_plan: dict[str, list[Rollout]] = defaultdict(list)
    for rollout in shard.rollouts:
        by_plan[rollout.trajectory_id].append(rollout)
    drawn: dict[str, list[Trajectory]] = defaultdict(list)
    for plan in shard.plans:
        drawn[plan.problem_id].append(plan)
    rewards, graded = {row.id: row for row in shard.rewards}, {row.id: row for row in shard.verdicts}
    similar = {row.id: row for row in shard.similar}
    for problem in shard.problems:
        near = similar.get(problem.id)
        texts = {each.id: each.text for each in near.problems} if near else {}
        texts[problem.id] = ""  # it stands above its plans
        shown = [plan for plan in drawn[problem.id] if plan.id in rewards or plan.failure]
        shown.sort(key=lambda plan: (-_reward(rewards.get(plan.id)), plan.index))
        courses = tuple(_course(plan, rewards.get(plan.id), by_plan[plan.id], graded, texts) for plan in shown)
        verdicts = Counter(turn.verdict for course in courses for turn in course.turns if turn.verdict)
        yield Item(
            id=problem.id,
            problem_set=problem.problem_set,
            level=problem.level or "",
            text=problem.text,
            gold=problem.gold,
            verdicts=counted(verdicts),
            facts=tuple(_about(problem, near, len(drawn[problem.id]))),
            courses=courses,
        )


def _about(problem: Problem, near: SimilarProblems | None, draws: int) -> Iterator[tuple[str, str]]:
    yield "plans drawn", f"{draws:,}"
    if near:
        purity = "" if near.purity is None else f", {near.purity:.0%} in its family"
        yield "similar problems", f"{len(near.problems) - 1} by {near.provider}{purity}"
    for name, value in (("family", problem.family), ("tags", ", ".join(problem.tags)), ("split", problem.split)):
        if value:
            yield name, value
    if problem.held_out:
        yield "held out", "yes"


def _course(
    plan: Trajectory,
    reward: TrajectoryReward | None,
    rollouts: Sequence[Rollout],
    graded: Mapping[str, GradedRollout],
    texts: Mapping[str, str],
) -> Course:
    own_first = sorted(rollouts, key=lambda rollout: (bool(texts.get(rollout.problem_id, " ")), rollout.index))
    return Course(
        id=plan.id,
        title=" → ".join(step.name for step in plan.steps) or "no plan",
        facts=tuple(_of_plan(plan, reward)),
        steps=tuple(map(shown_step, plan.steps)),
        text=plan.text,
        turns=tuple(_turn(rollout, graded.get(rollout.id), texts) for rollout in own_first),
    )


def _of_plan(plan: Trajectory, reward: TrajectoryReward | None) -> Iterator[tuple[str, str]]:
    if reward is not None and reward.reward is not None:
        error = "" if reward.standard_error is None else f" ± {reward.standard_error:.2f}"
        yield "reward", f"{reward.reward:.2f}{error}, n = {reward.n}"
        if not reward.exhaustive:
            yield "left early", "yes"
    if reward is not None:
        yield "drawn", f"{reward.multiplicity}×"
    if plan.failure:
        yield "failed", f"{plan.failure.error}: {plan.failure.message}"
    if plan.steps:
        yield "named as in the library", f"{plan.in_library} of {len(plan.steps)}"
    yield "tokens", f"{plan.usage.prompt_tokens:,} + {plan.usage.output_tokens:,}"


def shown_step(step: Step) -> ShownStep:
    """A step as the page shows it."""
    written = step.written if step.written != step.name else ""
    return ShownStep(name=step.name, written=written, template=step.template_id or "", instruction=step.instruction)


def _turn(rollout: Rollout, graded: GradedRollout | None, texts: Mapping[str, str]) -> Turn:
    failure = rollout.failure or (graded.failure if graded else None)
    usage = rollout.usage
    facts = [
        ("answer", graded.answer if graded else ""),
        ("gold", rollout.gold),
        ("failed", f"{failure.error}: {failure.message}" if failure else ""),
        ("tokens", f"{usage.prompt_tokens:,} + {usage.output_tokens:,}"),
    ]
    own = not texts.get(rollout.problem_id, " ")
    return Turn(
        id=rollout.id,
        title=f"{'this' if own else 'similar'} problem, rollout {rollout.index + 1}",
        verdict=graded.verdict if graded else "",
        facts=tuple((name, value) for name, value in facts if value),
        problem=texts.get(rollout.problem_id, ""),
        text=rollout.text,
    )


def _reward(row: TrajectoryReward | None) -> float:
    return -1.0 if row is None or row.reward is None else row.reward
