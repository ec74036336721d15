"""The grading stage: one verdict for each rollout."""

from collections.abc import Sequence

from reasonflux.protocols import Grade, Grading
from reasonflux.records import Failure, GradedRollout, Rollout, Status, Verdict
from reasonflux.rewards.graders import verdict_of

STAGE = "verdicts"


async def grade_rollouts(rollouts: Sequence[Rollout], grade: Grade) -> list[GradedRollout]:
    """One graded rollout for each, in order.

    A rollout that could not be made is an `error` and is not graded. One that ended at the token limit is `truncated`
    where it closed no box, and judged like any other where it did.
    """
    done = [rollout for rollout in rollouts if rollout.status == Status.DONE]
    gradings = await grade([(rollout.text, rollout.gold) for rollout in done]) if done else []
    by_id = {rollout.id: grading for rollout, grading in zip(done, gradings, strict=True)}
    return [_graded(rollout, by_id.get(rollout.id)) for rollout in rollouts]


def _graded(rollout: Rollout, grading: Grading | None) -> GradedRollout:
    verdict = _verdict(rollout, grading)
    return GradedRollout(
        id=rollout.id,
        trajectory_id=rollout.trajectory_id,
        multiplicity=rollout.multiplicity,
        anchor_id=rollout.anchor_id,
        problem_id=rollout.problem_id,
        index=rollout.index,
        verdict=verdict,
        answer=grading.answer if grading else "",
        gold=rollout.gold,
        seconds=grading.seconds if grading else 0.0,
        failure=_failure(verdict, grading) if grading else rollout.failure,
    )


def _verdict(rollout: Rollout, grading: Grading | None) -> Verdict:
    return verdict_of(rollout.text, rollout.truncated, grading) if grading else Verdict.ERROR


def _failure(verdict: Verdict, grading: Grading) -> Failure | None:
    if verdict in (Verdict.ERROR, Verdict.TIMEOUT):
        return Failure(stage=STAGE, error=verdict, message=grading.message)
    return None
