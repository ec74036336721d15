"""Formulas become MathML of known elements; prices stay prices, and what cannot be translated stays as written."""

from typing import Any

import pytest

from reasonflux.evals.report.mathematics import ATTRIBUTES, ELEMENTS, LONGEST, Translator


def names(tree: list[Any]) -> set[str]:
    return {tree[0]} | {name for child in tree[2:] if isinstance(child, list) for name in names(child)}


def attributes(tree: list[Any]) -> set[str]:
    return set(tree[1]) | {name for child in tree[2:] if isinstance(child, list) for name in attributes(child)}


@pytest.mark.parametrize(
    ("text", "formulas"),
    [
        (r"Solve $x^2 = 2$.", ["$x^2 = 2$"]),
        (r"so \(\frac{1}{2}\) and \[\sum_{i=1}^n i\]", [r"\(\frac{1}{2}\)", r"\[\sum_{i=1}^n i\]"]),
        ("$$\na + b\n$$", ["$$\na + b\n$$"]),
        (r"The answer is \boxed{\frac{1}{2}}.", [r"\boxed{\frac{1}{2}}"]),
        ("a pen for $5 and a book for $12", []),
        (r"\$5 and \$6", []),
        ("$x$, $y$", ["$x$", "$y$"]),
        ("costs $ 5 $", []),
    ],
)
def test_formulas_are_found_between_their_delimiters(text: str, formulas: list[str]) -> None:
    assert list(Translator().trees([text])) == formulas


def test_a_tree_holds_known_elements_and_attributes_alone() -> None:
    formula = r"$\begin{pmatrix} 1 & \sqrt[3]{x} \\ \binom{n}{k} & \left( a \right)^{2} \end{pmatrix}$"
    (tree,) = Translator().trees([formula]).values()
    assert tree[0] == "math" and {"mtable", "mroot", "mfrac"} <= names(tree) <= ELEMENTS
    assert attributes(tree) <= ATTRIBUTES


@pytest.mark.parametrize(
    "latex",
    [
        r"$\href{javascript:alert(1)}{x}$",
        "$<script>alert(1)</script>$",
        r"$\style{background:url(x)}{y}$",
        r"$\class{a}{b}$",
        "$" + "{" * 500 + "x" + "}" * 500 + "$",
        r"$\frac{1$",
        r"$\begin{matrix} a$",
    ],
)
def test_hostile_and_broken_formulas_hold_nothing_else(latex: str) -> None:
    for tree in Translator().trees([latex]).values():
        assert names(tree) <= ELEMENTS and attributes(tree) <= ATTRIBUTES


def test_what_is_too_long_or_too_much_stays_as_it_was_written() -> None:
    assert not Translator().trees([f"${'x + ' * LONGEST}x$"])
    translator = Translator(most=2)
    assert len(translator.trees(["$a$ $b$ $c$"])) == 2
    assert len(translator.trees(["$a$ $b$ $c$"])) == 2, "what was translated before is still known"
