from collections.abc import Sequence

import pytest

from reasonflux.protocols import Grading
from reasonflux.records import Failure, Rollout, Status, Usage, Verdict
from reasonflux.rewards.grading import grade_rollouts


def rollout(id_: str, text: str = r"\boxed{5}", *, truncated: bool = False, failure: Failure | None = None) -> Rollout:
    return Rollout(
        id=id_,
        trajectory_id="t",
        multiplicity=2,
        anchor_id="x",
        problem_id="p",
        index=0,
        gold="5",
        prompt=(),
        text=text,
        truncated=truncated,
        status=Status.FAILED if failure else Status.DONE,
        failure=failure,
        usage=Usage(),
    )


class ScriptedGrade:
    """Verdicts by text; remembers what it was asked."""

    def __init__(self, verdicts: dict[str, Verdict]) -> None:
        self.verdicts = verdicts
        self.asked: list[tuple[str, str]] = []

    async def __call__(self, items: Sequence[tuple[str, str]]) -> list[Grading]:
        self.asked += items
        return [Grading(verdict=self.verdicts[text], answer=text, seconds=1.5, message="why") for text, _ in items]


async def test_a_rollout_that_was_not_made_is_an_error_and_is_never_graded() -> None:
    failure = Failure(stage="rollouts", error="engine_error", message="gone")
    grade = ScriptedGrade({"good": Verdict.CORRECT})
    first, second = await grade_rollouts([rollout("a", "half", failure=failure), rollout("b", "good")], grade)
    assert grade.asked == [("good", "5")]
    assert (first.id, first.verdict, first.failure) == ("a", Verdict.ERROR, failure)
    assert (second.id, second.verdict, second.answer, second.seconds) == ("b", Verdict.CORRECT, "good", 1.5)
    assert (second.trajectory_id, second.multiplicity, second.anchor_id, second.problem_id) == ("t", 2, "x", "p")


async def test_a_truncated_rollout_is_graded_only_where_it_closed_a_box() -> None:
    closed, announced = r"\boxed{6} and on", "the answer is 4, or rather 4"
    grade = ScriptedGrade({closed: Verdict.WRONG, announced: Verdict.WRONG})
    rows = [rollout("a", closed, truncated=True), rollout("b", announced, truncated=True), rollout("c", announced)]
    graded = await grade_rollouts(rows, grade)
    assert [row.verdict for row in graded] == [Verdict.WRONG, Verdict.TRUNCATED, Verdict.WRONG]


@pytest.mark.parametrize(("verdict", "fails"), [(Verdict.TIMEOUT, True), (Verdict.ERROR, True), (Verdict.WRONG, False)])
async def test_why_something_could_not_be_graded_is_kept(verdict: Verdict, fails: bool) -> None:
    (row,) = await grade_rollouts([rollout("a", "text")], ScriptedGrade({"text": verdict}))
    assert row.failure == (Failure(stage="verdicts", error=verdict, message="why") if fails else None)


async def test_no_rollouts_ask_for_nothing() -> None:
    grade = ScriptedGrade({})
    assert await grade_rollouts([], grade) == []
    assert grade.asked == []
