"""What is left of an answer when its looks are gone, and the number that it is."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reasonflux.reasoning.spelling import cleaned, exact_number, spelling


def number(latex: str) -> Fraction | None:
    return exact_number(spelling(cleaned(latex)))


@pytest.mark.parametrize(
    ("latex", "value"),
    [
        ("025", 25),
        ("27.0", 27),
        (".5", Fraction(1, 2)),
        ("-7/3", Fraction(-7, 3)),
        (r"-\frac{7}{3}", Fraction(-7, 3)),
        (r"\dfrac{-7}{3}", Fraction(-7, 3)),
        ("2.3333", Fraction(23333, 10000)),
        ("1,234,567", 1234567),
        (r"10{,}000", 10000),
        (r"\$32,\!348", 32348),
        (r"62.5\%", Fraction(5, 8)),
        ("−4", -4),
        (" $ 5 $. ", 5),
    ],
)
def test_plain_numbers_are_read_exactly(latex: str, value: Fraction | int) -> None:
    assert number(latex) == value


@pytest.mark.parametrize(
    "latex", ["", "1/0", "1,23", "12,34", "x", "2x", r"\frac12", "1e3", "1.2.3", "9" * 500, "١٢ a"]
)
def test_anything_else_is_not_a_plain_number(latex: str) -> None:
    assert number(latex) is None


@given(st.integers(-(10**30), 10**30), st.integers(1, 10**30))
def test_a_fraction_survives_its_spellings(above: int, below: int) -> None:
    value = Fraction(above, below)
    assert number(rf"\frac{{{above}}}{{{below}}}") == value
    assert number(f"{above}/{below}") == value
    assert number(f"{above:,}") == above


@pytest.mark.parametrize(
    ("typed", "latex"),
    [
        ("2^(n+1)", "2^{(n+1)}"),
        ("5^(5^(5))", "5^{(5^{(5)})}"),
        ("(x)^2", "(x)^2"),
        ("2^(n+1", "2^(n+1"),
        ("1^(2))", "1^{(2)})"),
    ],
)
def test_powers_in_parentheses_become_latex(typed: str, latex: str) -> None:
    assert cleaned(typed) == latex


def test_line_breaks_of_a_matrix_survive_cleaning() -> None:
    matrix = r"\begin{pmatrix} 1 \\ 2 \\[2pt] 3 \end{pmatrix}"
    assert cleaned(matrix) == matrix
