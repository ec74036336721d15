import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reasonflux.errors import BadInput
from reasonflux.records import Verdict
from reasonflux.rewards.math_grader import MAX_ANSWER, MAX_SETTLED, _same_by_algebra, grade_math, settle_math


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("(x+1)^2", "x^2+2x+1"),
        ("2^(n+1)", "2^{n+1}"),
        (r"\frac{\sqrt{2}}{2}", r"\frac{1}{\sqrt{2}}"),
        ("x=5", "5"),
        ("5", "x=5"),
        ("2, 1", "1,2"),
        (r"5 \text{ cm}", "5"),
        (r"\frac{100}{3}\%", r"\frac{1}{3}"),
        (r"x \le 2", r"(-\infty, 2]"),
        (r"\begin{bmatrix} 1 \\ 2 \end{bmatrix}", r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}"),
        ("−1", "-1"),
        ("3", "$3$"),
    ],
)
def test_other_words_for_the_gold_answer_are_correct(answer: str, gold: str) -> None:
    assert grade_math(answer, gold) is Verdict.CORRECT


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("2.3333", r"\frac{7}{3}"),
        ("1.41", r"\sqrt{2}"),
        ("1", "1,2"),
        ("1,2", "1"),
        ("2,1", "(1,2)"),
        ("(1,2)", "[1,2]"),
        ("10", r"10\%"),
        ("11", "11_2"),
        ("x^2+2", "x^2+1"),
        ("n=1", "k=1"),
        (r"\text{west}", r"\text{east}"),
        ("", "5"),
        (r"\frac{1}{", "1"),
    ],
)
def test_other_answers_are_wrong(answer: str, gold: str) -> None:
    assert grade_math(answer, gold) is Verdict.WRONG


@given(answer=st.text(max_size=60), gold=st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_what_is_settled_by_spelling_is_what_the_grader_says_and_nothing_raises(answer: str, gold: str) -> None:
    settled = settle_math(answer, gold)
    assert settled is None or settled is grade_math(answer, gold)


@pytest.mark.parametrize(
    ("answer", "gold", "settled"),
    [
        ("1,000", "1000", Verdict.CORRECT),
        ("12", "13", Verdict.WRONG),
        ("2+3", "5", None),
        ("9" * (MAX_SETTLED + 1), "5", None),
        ("5", "", None),
    ],
)
def test_spellings_settle_plain_numbers_and_leave_the_rest(answer: str, gold: str, settled: Verdict | None) -> None:
    assert settle_math(answer, gold) is settled


@pytest.mark.parametrize("word", ["none", "two", "nan", "inf", "eieio", "oo", "zoo"])
@pytest.mark.parametrize("number", ["0", "1", "2", "-3.5"])
def test_algebra_would_not_take_a_word_for_a_number_either(word: str, number: str) -> None:
    assert not _same_by_algebra(word, number)
    assert not _same_by_algebra(number, word)


@pytest.mark.parametrize("gold", ["", "  ", "$ $", "."])
def test_an_empty_gold_answer_is_no_verdict(gold: str) -> None:
    with pytest.raises(BadInput, match="gold answer is empty"):
        grade_math("5", gold)


def test_an_answer_too_long_to_parse_is_right_only_letter_for_letter() -> None:
    long = "1+" * MAX_ANSWER + "1"
    assert grade_math(long, long) is Verdict.CORRECT
    assert grade_math(long, str(MAX_ANSWER + 1)) is Verdict.WRONG


@pytest.mark.slow
def test_a_child_that_may_not_evaluate_grades_alike_and_refuses_code() -> None:
    """In a process of its own, since the ban lasts as long as the process."""
    script = (
        "from reasonflux.rewards.verifier_child import forbid_evaluation\n"
        "from reasonflux.rewards.math_grader import grade_math\n"
        "forbid_evaluation()\n"
        r"print(grade_math('0.5x + 1234567', r'\frac{x}{2} + 1{,}234{,}567'))" + "\n"
        "from sympy import sympify\n"
        "try:\n"
        "    sympify('print(6*7)')\n"
        "except Exception as error:\n"
        "    print(type(error).__name__)\n"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert out.split() == ["correct", "PermissionError"]


def test_graders_are_imported_without_the_algebra_system() -> None:
    script = "import sys, reasonflux.rewards.verifier; print('sympy' in sys.modules, 'numpy.random' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert out.split()[0] == "False"
