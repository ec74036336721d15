r"""What can be said of two answers without a computer algebra system: a spelling to compare, and exact numbers.

Pure and linear in the length of the answer. `decide` settles what it can; where it says None, `math_grader` asks
math-verify, which is lenient in ways that the rules here forbid: it takes `10\%` for 10, `\{1,2\}` for `(1,2)` and
`11_2` for 11.
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
_BASED = re.compile(r"\(?(-?[0-9A-Z]*\d[0-9A-Z]*)\)?_\{?(\d{1,3})\}?")
_SET_BUILDER = re.compile(r"\\mid|\\in(?![a-z])|[|:<>=]|\\[lg]eq?(?![a-z])")
_WORDS = re.compile(r"[A-Za-z][A-Za-z,'-]+")
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


def decide(answer: str, gold: str) -> bool | None:
    """Whether two spellings are the same answer, where that needs no algebra; None where it does.

    - equal spellings, and words that differ in case alone, are the same;
    - plain numbers are compared exactly, a percentage by its value;
    - numerals with a base (`11_2`) are the same when digits and base are; one without its base is another answer;
    - a set in braces is not a point or interval in parentheses or brackets.
    """
    if answer == gold:
        return True
    if _WORDS.fullmatch(answer) and _WORDS.fullmatch(gold) and min(len(answer), len(gold)) > 2:
        return True if answer.casefold() == gold.casefold() else None
    numbers = exact_number(answer), exact_number(gold)
    if None not in numbers:
        return numbers[0] == numbers[1]
    if based := [match for match in (_BASED.fullmatch(answer), _BASED.fullmatch(gold)) if match]:
        if len(based) == 2:
            return _digits(based[0]) == _digits(based[1])
        if any(number is not None for number in numbers):
            return False
    if {_brackets(answer), _brackets(gold)} == {"set", "ordered"}:
        return False
    return None


def without_percent(latex: str) -> str:
    r"""A percentage as the fraction that it means: `x\%` becomes `\frac{x}{100}`; anything else comes back as it is."""
    match = re.fullmatch(r"(.*?)\s*(?:\\?%|\\text\s*\{\s*percent\s*\})", latex)
    return rf"\frac{{{match[1]}}}{{100}}" if match and match[1] and not re.search(r"[,=%]", match[1]) else latex


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


def _digits(match: re.Match[str]) -> tuple[str, int]:
    return match[1].lstrip("0"), int(match[2])


def _brackets(spelled: str) -> str | None:
    """ "set" or "ordered" for a plain list that one pair of brackets encloses; None for anything else."""
    body = spelled.replace("\\{", "{").replace("\\}", "}")
    kind = {"{}": "set", "()": "ordered", "[]": "ordered", "(]": "ordered", "[)": "ordered"}.get(body[:1] + body[-1:])
    if kind is None or _SET_BUILDER.search(body):
        return None
    depth, separators = 0, 0
    for at, sign in enumerate(body):
        depth += (sign in "([{") - (sign in ")]}")
        if depth == 0 and at < len(body) - 1:
            return None  # two groups side by side
        separators += depth == 1 and sign == ","
    return kind if separators else None
