from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reasonflux.rewards.exact import cleaned, decide, exact_number, spelling, without_percent


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
    ("answer", "gold", "same"),
    [
        (r"\left( 3, \frac{\pi}{2} \right)", r"(3,\dfrac{\pi}{2})", True),
        (r"\varnothing", r"\emptyset", True),
        (r"\{\}", "∅", True),
        (r"\text{no solution}", "No solution", True),
        ("11_{2}", "11_2", True),
        ("(11)_2", "011_2", True),
        ("11_2", "11_3", False),
        ("11_2", "11", False),
        ("11", "11_2", False),
        (r"10\%", "10", False),
        ("2.3333", r"\frac{7}{3}", False),
        (r"\{1,2\}", "(1,2)", False),
        ("{1,2}", "[1,2]", False),
        (r"\{(1,2)\}", "(1,2)", None),
        (r"\{x \mid 1 < x, x < 2\}", "(1,2)", None),
        ("(1,2),(3,4)", r"\{1,2\}", None),
        ("x_1", "x_2", None),
        ("x+1", "1+x", None),
        ("east", "west", None),
    ],
)
def test_what_needs_no_algebra(answer: str, gold: str, same: bool | None) -> None:
    assert decide(spelling(cleaned(answer)), spelling(cleaned(gold))) is same


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


@pytest.mark.parametrize(
    ("latex", "meant"),
    [
        (r"\frac{100}{3}\%", r"\frac{\frac{100}{3}}{100}"),
        (r"x \text{ percent}", r"\frac{x}{100}"),
        (r"10\%, 20\%", r"10\%, 20\%"),
        ("x", "x"),
        (r"\%", r"\%"),
    ],
)
def test_percentages_become_fractions(latex: str, meant: str) -> None:
    assert without_percent(latex) == meant
