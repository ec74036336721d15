import pytest

from reasonflux.reasoning.spelling import cleaned, spelling
from reasonflux.rewards.exact import decide, without_percent


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
        ("none", "3", False),
        ("3", r"\text{none}", False),
        ("pi", "3", None),
        ("iiii", "1", None),
    ],
)
def test_what_needs_no_algebra(answer: str, gold: str, same: bool | None) -> None:
    assert decide(spelling(cleaned(answer)), spelling(cleaned(gold))) is same


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
