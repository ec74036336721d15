"""The reasoner: rollouts of plans over similar problems (arXiv 2502.06772, Eq. 3; v2's template reasoner).

`expand_attempts` makes the work items, `roll_out` does them: one row in, one row out, failures included.
"""

from collections.abc import Mapping, Sequence

from reasonflux.config import SamplingConfig
from reasonflux.identity import digest, seed_of
from reasonflux.protocols import Completion, Generate, Outcome, Request
from reasonflux.reasoning.plans import plan_text
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.records import Attempt, Failure, Message, Rollout, SimilarProblems, Status, Trajectory

STAGE = "rollouts"
PROMPT = "reasoner"


def expand_attempts(
    trajectories: Sequence[Trajectory],
    similar: Mapping[str, SimilarProblems],
    config: SamplingConfig,
    identity: Mapping[str, str],
) -> list[Attempt]:
    """The rollouts of all distinct plans of some problems, all trajectories of a problem among them.

    Equal plans of one problem are rolled out once: the draw with the lowest index stands for them and `multiplicity`
    is their number. Each is tried `rollouts_own` times on its own problem and `rollouts_similar` times on every other
    of X_sim (`similar`, by problem id). Attempts of one plan stay together, so that their prompts share a prefix.

    `identity`: digests of all else that determines the work, by name: the reasoner's checkpoint and the prompt set.
    The trajectory's id is part of an attempt's, so that two trajectories never share a rollout. A seed leaves out
    whose trajectory it is and who rolls it out: equal plans are compared with common random numbers.
    """
    sampling = config.reasoner.model_dump(mode="json")
    attempts = []
    for trajectory, multiplicity in distinct_plans(trajectories):
        for problem in similar[trajectory.problem_id].problems:
            own = problem.id == trajectory.problem_id
            for index in range(config.rollouts_own if own else config.rollouts_similar):
                work = (trajectory.id, problem.id, problem.text, sampling, index)
                attempt_id = digest(PROMPT, dict(identity), *work)
                luck = (trajectory.problem_id, trajectory.round, trajectory.plan, problem.id, index)
                attempt = Attempt(
                    id=attempt_id,
                    trajectory_id=trajectory.id,
                    multiplicity=multiplicity,
                    anchor_id=trajectory.problem_id,
                    problem=problem,
                    steps=trajectory.steps,
                    index=index,
                    seed=seed_of(digest(PROMPT, *luck)),
                )
                attempts.append(attempt)
    return attempts


def distinct_plans(trajectories: Sequence[Trajectory]) -> list[tuple[Trajectory, int]]:
    """Per problem and canonical plan, the trajectory of the lowest draw and the number of draws that gave that plan.

    Failed trajectories have no plan. Problems come in the order in which they first appear.
    """
    plans: dict[str, dict[str, list[Trajectory]]] = {}
    for trajectory in trajectories:
        if trajectory.status == Status.DONE:
            plans.setdefault(trajectory.problem_id, {}).setdefault(trajectory.plan, []).append(trajectory)
    return [
        (min(equal, key=lambda trajectory: trajectory.index), len(equal))
        for of_problem in plans.values()
        for equal in of_problem.values()
    ]


async def roll_out(
    attempts: Sequence[Attempt],
    generate: Generate,
    prompts: PromptSet,
    config: SamplingConfig,
    checkpoint: str | None = None,
) -> list[Rollout]:
    """One rollout for each attempt, in order; one that could not be made has status `failed` and says why.

    `checkpoint`: digest of the reasoner that must answer; None takes any.
    """
    requests = [
        Request(
            id=attempt.id,
            messages=prompts.render(PROMPT, plan=plan_text(attempt.steps), problem=attempt.problem),
            sampling=config.reasoner,
            seed=attempt.seed,
            checkpoint=checkpoint,
        )
        for attempt in attempts
    ]
    completions = await generate(requests)
    return [
        _rollout(attempt, request.messages, completion)
        for attempt, request, completion in zip(attempts, requests, completions, strict=True)
    ]


def _rollout(attempt: Attempt, prompt: tuple[Message, ...], completion: Completion) -> Rollout:
    failure = Failure(stage=STAGE, error=completion.outcome, message=completion.message)
    return Rollout(
        id=attempt.id,
        trajectory_id=attempt.trajectory_id,
        multiplicity=attempt.multiplicity,
        anchor_id=attempt.anchor_id,
        problem_id=attempt.problem.id,
        index=attempt.index,
        gold=attempt.problem.gold,
        prompt=prompt,
        text=completion.text,
        truncated=completion.outcome is Outcome.TRUNCATED,
        status=Status.DONE if completion.answered else Status.FAILED,
        failure=None if completion.answered else failure,
        usage=completion.usage,
    )
