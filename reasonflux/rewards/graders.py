"""Graders: how to read an answer out of a text, and when it is the gold answer. Pure; none evaluates model output."""

from collections.abc import Callable
from dataclasses import dataclass

from reasonflux.protocols import Grading
from reasonflux.reasoning.answers import boxed_answer, extract_answer
from reasonflux.records import Verdict
from reasonflux.rewards.answer_list import grade_list
from reasonflux.rewards.choice import grade_choice, read_choice
from reasonflux.rewards.integer import grade_integer
from reasonflux.rewards.math_grader import grade_math, settle_math


@dataclass(frozen=True, kw_only=True)
class Grader:
    """One kind of answer. Its functions stand at the top level of a module, so that it can be sent to a process."""

    read: Callable[[str], str | None]  # a text's answer; None when it gives none
    grade: Callable[[str, str], Verdict]  # answer, gold: CORRECT or WRONG; raises on an unusable gold answer
    settle: Callable[[str, str], Verdict | None] | None = (
        None  # what `grade` says, where that is quick and safe to tell
    )
    example: tuple[str, str]  # a text and a gold answer that it gives in other words; warms up and proves each child


GRADERS: dict[str, Grader] = {
    "math": Grader(
        read=extract_answer,
        grade=grade_math,
        settle=settle_math,
        example=(r"\boxed{(\frac{0.5}{\sqrt{2}}, \pi)}", r"(\frac{\sqrt{2}}{4}, \pi)"),
    ),
    "integer": Grader(read=extract_answer, grade=grade_integer, example=(r"\boxed{5^2}", "025")),
    "choice": Grader(read=read_choice, grade=grade_choice, example=("The answer is (C).", "C")),
    "list": Grader(read=extract_answer, grade=grade_list, example=(r"\boxed{\frac{4}{2}, 1}", "1, 2")),
}


def grade_text(text: str, gold: str, grader: Grader) -> tuple[Verdict, str]:
    """Verdict and answer of a whole text; `UNPARSED` and an empty answer when it gives none."""
    answer = grader.read(text)
    return (Verdict.UNPARSED, "") if answer is None else (grader.grade(answer, gold), answer)


def verdict_of(text: str, truncated: bool, grading: Grading) -> Verdict:
    """The verdict of a rollout: that of its grading, unless generation ended at the token limit.

    A truncated text that closed a box is graded like any other. Without one it is `TRUNCATED`, also where a sentence
    before the cut announced a value. `ERROR` stays: the text was not judged.
    """
    if truncated and grading.verdict is not Verdict.ERROR and boxed_answer(text) is None:
        return Verdict.TRUNCATED
    return grading.verdict
