"""Each rollout gets one of six verdicts; what could not be made is never graded and never wrong."""

from collections.abc import Sequence

from reasonflux.protocols import Grading
from reasonflux.records import Failure, GradedRollout, Rollout, Status, Usage, Verdict, from_table, to_table
from reasonflux.rewards.grading import grade_rollouts


class ScriptedGrade:
    """Grades by the first word of a text, and remembers what it was asked."""

    def __init__(self) -> None:
        self.calls: list[list[tuple[str, str]]] = []

    async def __call__(self, items: Sequence[tuple[str, str]]) -> list[Grading]:
        self.calls.append(list(items))
        return [
            Grading(verdict=Verdict(text.split()[0]), answer=f"{text}?", seconds=0.5, message="why")
            for text, _ in items
        ]


def rollout(text: str, truncated: bool = False) -> Rollout:
    failed = not text
    return Rollout(
        id=f"{text} {truncated}",
        trajectory_id="t",
        multiplicity=2,
        anchor_id="x",
        problem_id="y",
        index=1,
        gold="7",
        prompt=(),
        text=text,
        truncated=truncated,
        status=Status.FAILED if failed else Status.DONE,
        failure=Failure(stage="rollouts", error="engine_error", message="gone") if failed else None,
        usage=Usage(),
    )


async def test_every_rollout_gets_its_verdict_in_order() -> None:
    rollouts = [
        rollout("correct"),
        rollout(""),
        rollout(r"wrong \boxed{1}", truncated=True),
        rollout("unparsed", truncated=True),
        rollout("unparsed"),
        rollout("timeout"),
        rollout("error"),
    ]
    grade = ScriptedGrade()
    rows = await grade_rollouts(rollouts, grade)
    assert [row.id for row in rows] == [done.id for done in rollouts]
    assert [row.verdict for row in rows] == ["correct", "error", "wrong", "truncated", "unparsed", "timeout", "error"]
    assert grade.calls == [
        [(text, "7") for text in ["correct", r"wrong \boxed{1}", "unparsed", "unparsed", "timeout", "error"]]
    ]
    assert [row.failure.stage if row.failure else None for row in rows] == [
        None,
        "rollouts",
        None,
        None,
        None,
        "verdicts",
        "verdicts",
    ]
    assert (rows[0].answer, rows[0].seconds, rows[0].multiplicity) == ("correct?", 0.5, 2)
    assert from_table(GradedRollout, to_table(GradedRollout, rows)) == rows


async def test_where_no_rollout_was_made_the_grader_is_not_called() -> None:
    grade = ScriptedGrade()
    assert [row.verdict for row in await grade_rollouts([rollout("")], grade)] == ["error"]
    assert grade.calls == []
