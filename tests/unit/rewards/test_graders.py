import pickle

import pytest

from reasonflux.protocols import Grading
from reasonflux.records import Verdict
from reasonflux.rewards.graders import GRADERS, grade_text, verdict_of


def grading(verdict: Verdict) -> Grading:
    return Grading(verdict=verdict, answer="", seconds=0.0)


@pytest.mark.parametrize("name", GRADERS)
def test_a_grader_passes_its_own_example_and_can_be_sent_to_a_process(name: str) -> None:
    grader = GRADERS[name]
    assert grade_text(*grader.example, grader)[0] is Verdict.CORRECT
    assert pickle.loads(pickle.dumps(grader)) == grader


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"so \boxed{5}", (Verdict.CORRECT, "5")),
        (r"so \boxed{6}", (Verdict.WRONG, "6")),
        ("so it is five", (Verdict.UNPARSED, "")),
    ],
)
def test_a_text_gets_the_verdict_of_its_answer(text: str, expected: tuple[Verdict, str]) -> None:
    assert grade_text(text, "5", GRADERS["math"]) == expected


@pytest.mark.parametrize(
    ("text", "graded", "expected"),
    [
        (r"\boxed{5} and on it goes", Verdict.CORRECT, Verdict.CORRECT),
        (r"\boxed{6} and on it goes", Verdict.WRONG, Verdict.WRONG),
        (r"\boxed{5^{5^{5^5}}} and on", Verdict.TIMEOUT, Verdict.TIMEOUT),
        ("and on it goes", Verdict.UNPARSED, Verdict.TRUNCATED),
        ("The answer is 4. No, the answer is 4", Verdict.WRONG, Verdict.TRUNCATED),
        (r"\boxed{4", Verdict.UNPARSED, Verdict.TRUNCATED),
        ("and on it goes", Verdict.ERROR, Verdict.ERROR),
    ],
)
def test_a_truncated_text_is_judged_by_a_closed_box_alone(text: str, graded: Verdict, expected: Verdict) -> None:
    assert verdict_of(text, True, grading(graded)) is expected
    assert verdict_of(text, False, grading(graded)) is graded
