r"""Answers that are the letter of a choice: `\boxed{C}`, `(C)`, `\text{C. 12 km}`, "The answer is C".

A text that names two choices ("A or C") has an answer, and it is wrong.
"""

import re

from reasonflux.errors import BadInput
from reasonflux.reasoning.answers import MAX_TEXT, extract_answer
from reasonflux.reasoning.spelling import cleaned
from reasonflux.records import Verdict

_TEXT = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|mbox|boldsymbol)\s*\{([^{}]*)\}")
_ALONE = re.compile(r"\(?\s*([A-Za-z])\s*\)?\s*[.:)]?")
_WITH_ITS_TEXT = re.compile(r"(?:(?:choice|option|answer)\s+)?(?:\(([A-Z])\)|([A-Z])\s*[.:)])\s*(.*)", re.I | re.DOTALL)
_OTHER = re.compile(r"\([A-Z]\)|\b(?:or|and)\b\s*\(?[A-Z]\)?(?![A-Za-z])|(?<![A-Za-z])[A-Z][.:)]\s")
_ANNOUNCED = re.compile(
    r"\b(?:answer|choice|option)\*{0,2}\s{0,8}(?:is\b|:)\*{0,2}\s{0,8}:?\s{0,8}(?:choice\s|option\s)?"
    r"(\*{0,2}\$?\(?(?:\\(?:text|mathrm|mathbf)\{)?\(?[A-Z]\)?\}?\)?\$?\*{0,2}(?:\s{1,4}(?:or|and)\s{1,4}\(?[A-Z]\)?)?)"
    r"(?![A-Za-z0-9'=+^_])",
    re.IGNORECASE,
)


def read_choice(text: str) -> str | None:
    """A text's box or announced value, else the last letter that is announced; None when there is neither."""
    answer = extract_answer(text)
    if answer is not None:
        return answer
    announced = [match[1] for match in _ANNOUNCED.finditer(text[-MAX_TEXT:]) if re.search(r"[A-Z]", match[1])]
    return announced[-1].strip("*$ ") if announced else None


def grade_choice(answer: str, gold: str) -> Verdict:
    """`CORRECT` or `WRONG`; raises `BadInput` for a gold that is no letter."""
    if not is_letter(gold):
        raise BadInput(f"the gold answer {gold[:40]!r} is no letter of a choice", "Use another grader")
    return Verdict.CORRECT if letter_of(answer) == gold.strip() else Verdict.WRONG


def is_letter(gold: str) -> bool:
    """Whether a gold answer is the letter of a choice."""
    return re.fullmatch(r"\s*[A-Z]\s*", gold) is not None


def letter_of(answer: str) -> str | None:
    """The one choice that an answer names, alone or before its text; None where it names none or several."""
    plain = _TEXT.sub(r"\1", cleaned(_TEXT.sub(r"\1", answer))).strip()
    if alone := _ALONE.fullmatch(plain):
        return alone[1].upper()
    named = _WITH_ITS_TEXT.fullmatch(plain)
    if named is None or _OTHER.search(named[3]):
        return None
    return (named[1] or named[2]).upper()
