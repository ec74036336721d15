"""Answers that are integers from 0 to 999 (AIME): `025` is 25. Where several were accepted the gold has an `or`."""

import re
from fractions import Fraction

from reasonflux.errors import BadInput
from reasonflux.reasoning.spelling import cleaned, exact_number, spelling
from reasonflux.records import Verdict
from reasonflux.rewards.math_grader import grade_math

LARGEST = 999
_GOLD = re.compile(r"\d+(?:\s+or\s+\d+)*")


def grade_integer(answer: str, gold: str) -> Verdict:
    r"""`CORRECT` or `WRONG`; raises `BadInput` for a gold that is no such integer.

    A plain number is compared exactly. Anything else (`m+n=25`, `2^5`) is left to `grade_math`.
    """
    wanted = [int(number) for number in re.findall(r"\d+", gold)] if _GOLD.fullmatch(gold.strip()) else []
    if not wanted or max(wanted) > LARGEST:
        raise BadInput(f"the gold answer {gold[:40]!r} is no integer from 0 to {LARGEST}", "Use the grader math")
    number = exact_number(spelling(cleaned(answer)))
    if number is not None:
        return Verdict.CORRECT if number in map(Fraction, wanted) else Verdict.WRONG
    graded = (grade_math(answer, str(number)) for number in wanted)
    return Verdict.CORRECT if Verdict.CORRECT in graded else Verdict.WRONG
