"""Which answers are the same, and which of them most samples gave."""

import re
from collections.abc import Sequence

from reasonflux.protocols import Grade
from reasonflux.records import Verdict

_LOOKS = (
    (re.compile(r"\\(?:left|right|displaystyle|,|;|:|!)(?![a-zA-Z])|\\[()\[\]]|(?<!\\)\$|[\s~]+"), ""),
    (re.compile(r"\\(?:dfrac|tfrac|cfrac)(?![a-zA-Z])"), r"\\frac"),
    (re.compile(r"\\(?:text|textbf|mathrm|mathbf|mbox)\{([^{}]*)\}"), r"\1"),
    (re.compile(r"(?<=\d),(?=\d{3}(?!\d))|\{,\}"), ""),
)


def spelling(answer: str) -> str:
    """An answer without what changes its looks and not its value: blanks, delimiters, separators of thousands, case."""
    for pattern, replacement in _LOOKS:
        answer = pattern.sub(replacement, answer)
    return answer.strip(".").casefold()


async def vote(answers: Sequence[str | None], grade: Grade | None = None) -> list[int]:
    """For each answer the number of answers that equal it, itself among them; 0 for None.

    Equal are those with one `spelling`, and, where `grade` is given, those that it takes for correct answers of one
    another. No gold answer is involved.
    """
    groups: dict[str, list[int]] = {}
    for place, answer in enumerate(answers):
        if answer is not None:
            groups.setdefault(spelling(answer), []).append(place)
    merged: list[tuple[str, list[int]]] = []  # one answer of the group, and the places of all
    for places in groups.values():
        answer = answers[places[0]] or ""
        same = await _same(answer, [one for one, _ in merged], grade)
        if same is None:
            merged.append((answer, places))
        else:
            merged[same][1].extend(places)
    votes = [0] * len(answers)
    for _, places in merged:
        for place in places:
            votes[place] = len(places)
    return votes


async def _same(answer: str, known: Sequence[str], grade: Grade | None) -> int | None:
    """The place of the first known answer that `grade` takes `answer` for."""
    if grade is None or not known:
        return None
    gradings = await grade([(boxed(answer), one) for one in known])
    return next((place for place, one in enumerate(gradings) if one.verdict == Verdict.CORRECT), None)


def boxed(answer: str) -> str:
    """An answer as a grader reads it out of a text."""
    return rf"\boxed{{{answer}}}"
