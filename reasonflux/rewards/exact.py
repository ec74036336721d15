r"""What can be said of two answers without a computer algebra system, by their spellings (`reasoning.spelling`).

Pure and linear in the length of the answers. `decide` settles what it can; where it says None, `math_grader` asks
math-verify, which is lenient in ways that the rules here forbid: it takes `10\%` for 10, `\{1,2\}` for `(1,2)` and
`11_2` for 11.
"""

import re

from reasonflux.reasoning.spelling import exact_number

_BASED = re.compile(r"\(?(-?[0-9A-Z]*\d[0-9A-Z]*)\)?_\{?(\d{1,3})\}?")
_SET_BUILDER = re.compile(r"\\mid|\\in(?![a-z])|[|:<>=]|\\[lg]eq?(?![a-z])")
_WORDS = re.compile(r"[A-Za-z][A-Za-z,'-]+")
_WORD = re.compile(r"(?=[A-Za-z]*[^eijEIJ])[A-Za-z]{3,}")  # as algebra, letters of which one is no constant


def decide(answer: str, gold: str) -> bool | None:
    """Whether two spellings are the same answer, where that needs no algebra; None where it does.

    - equal spellings, and words that differ in case alone, are the same;
    - plain numbers are compared exactly, a percentage by its value; a word is none of them;
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
    if numbers != (None, None) and _WORD.fullmatch(answer if numbers[0] is None else gold):
        return False
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
