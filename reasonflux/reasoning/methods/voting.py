"""Which answers are the same, and which of them most samples gave."""

from collections.abc import Sequence
from fractions import Fraction

from reasonflux.protocols import Grade
from reasonflux.reasoning.spelling import cleaned, exact_number, spelling
from reasonflux.records import Verdict


def sameness(answer: str) -> Fraction | str:
    """What answers that are the same have in common: the plain number that they are, or their spelling in one case."""
    spelled = spelling(cleaned(answer))
    number = exact_number(spelled)
    return spelled.casefold() if number is None else number


async def vote(answers: Sequence[str | None], grade: Grade | None = None) -> list[int]:
    """For each answer the number of answers that equal it, itself among them; 0 for None.

    Equal are those with one `sameness`, and, where `grade` is given, those that it takes for correct answers of one
    another. No gold answer is involved.
    """
    groups: dict[Fraction | str, list[int]] = {}
    for place, answer in enumerate(answers):
        if answer is not None:
            groups.setdefault(sameness(answer), []).append(place)
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
