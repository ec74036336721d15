r"""How an answer is spelled: LaTeX without what changes its looks and not its value, and the number that it is.

Pure and linear in the length of the answer. Votes compare answers by it, and graders before they ask for algebra.
"""

import re
from fractions import Fraction

_UNICODE = str.maketrans(
    {
        "−": "-", "–": "-", "—": "-", "，": ",", "（": "(", "）": ")", "［": "[", "］": "]", "％": "%",
        "∞": r"\infty ", "∅": r"\emptyset ", "π": r"\pi ", "×": r"\times ", "÷": r"\div ", "·": r"\cdot ",
        "≤": r"\le ", "≥": r"\ge ", "≠": r"\ne ", "∪": r"\cup ", "∩": r"\cap ", "∈": r"\in ", "±": r"\pm ",
        "°": r"^{\circ}", "\u00a0": " ", "\0": " ",
    }
)  # fmt: skip
_DELIMITERS = re.compile(r"(?<!\\)(?:\$|\\[()\[\]])")
_RESPELLED = (
    (re.compile(r"\\(?:dfrac|tfrac|cfrac)(?![a-zA-Z])"), r"\\frac"),
    (re.compile(r"\\frac\s*(\d)\s*([a-zA-Z])"), r"\\frac{\1}{\2}"),
    (re.compile(r"\\([lgn])eq(?![a-zA-Z])"), r"\\\1e"),
    (re.compile(r"\\(?:varnothing(?![a-zA-Z])|left\s*\\\{\s*\\right\s*\\\}|\{\s*\\\})"), r"\\emptyset "),
    (re.compile(r"\\(?:displaystyle|textstyle|quad|qquad|bigl?|bigr?|Bigl?|Bigr?)(?![a-zA-Z])"), " "),
    (re.compile(r"(?<=\d)(?:\{,\}|,\\!)(?=\d{3})"), ""),  # separators of thousands; those of a list have a space
    (re.compile(r"(?<!\\)\\[,;:! ]|~|\s"), " "),  # not the second half of a line break in a matrix
)
_NOT_SPELLED = (
    (re.compile(r"\\(?:left|right)(?![a-zA-Z])\.?"), ""),
    (re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|mbox|operatorname)\s*\{([^{}]*)\}"), r"\1"),
    (re.compile(r"\\%"), "%"),
    (re.compile(r"([_^])\{([0-9A-Za-z])\}"), r"\1\2"),
    (re.compile(r"(?<![,\s])\s++|(?<=,)\s++(?!\d{3}(?!\d))"), ""),  # `48, 384` is no number
)
_NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+"
_DECIMAL = re.compile(rf"([-+]?)(?:\\?\$)?({_NUMBER})(%?)")
_FRACTION = re.compile(rf"([-+]?)(?:\\frac\{{(-?(?:{_NUMBER}))\}}\{{(-?(?:{_NUMBER}))\}}|({_NUMBER})/({_NUMBER}))(%?)")
MAX_DIGITS = 200  # longer numbers are compared by math-verify


def cleaned(latex: str) -> str:
    """One line of LaTeX without math delimiters, spacing commands and Unicode signs; what math-verify is given."""
    latex = _DELIMITERS.sub(" ", latex.translate(_UNICODE))
    for pattern, replacement in _RESPELLED:
        latex = pattern.sub(replacement, latex)
    return _powers(latex.strip().rstrip("\\.").strip())


def spelling(latex: str) -> str:
    """`cleaned` LaTeX with everything left out that changes its looks and not its value; for comparing strings only."""
    for pattern, replacement in _NOT_SPELLED:
        latex = pattern.sub(replacement, latex)
    return latex.rstrip(".")


def exact_number(spelled: str) -> Fraction | None:
    r"""The value of a plain integer, decimal, `a/b` or `\frac{a}{b}`, with separators, `\$` or `%`; else None.

    A decimal is what its digits say: 2.3333 is not 7/3.
    """
    if len(spelled) > MAX_DIGITS:
        return None
    if match := _DECIMAL.fullmatch(spelled):
        sign, number, percent = match.groups()
        value = _fraction(number)
    elif match := _FRACTION.fullmatch(spelled):
        sign, above, below, left, right, percent = match.groups()
        divisor = _fraction(below or right)
        if divisor == 0:
            return None
        value = _fraction(above or left) / divisor
    else:
        return None
    value = -value if sign == "-" else value
    return value / 100 if percent else value


def _powers(latex: str) -> str:
    """`2^(n+1)`, as people type it, becomes `2^{(n+1)}`; unchanged where a parenthesis is left open."""
    if "^(" not in latex:
        return latex
    written: list[str] = []
    is_power: list[bool] = []
    for at, sign in enumerate(latex):
        if sign == "(":
            is_power.append(latex[at - 1 : at] == "^")
            written.append("{(" if is_power[-1] else "(")
        elif sign == ")" and is_power:
            written.append(")}" if is_power.pop() else ")")
        else:
            written.append(sign)
    return latex if is_power else "".join(written)


def _fraction(number: str) -> Fraction:
    return Fraction(number.replace(",", ""))
