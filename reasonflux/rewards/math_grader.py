r"""Are two mathematical answers the same? Exact rules first (`exact.decide`), then math-verify 0.9 on sympy.

math-verify can run for ever or fill the memory: outside tests, call this in a `Verifier`. Its own timeouts are off
(they use SIGALRM), and it is asked for LaTeX alone, since its reader of plain expressions evaluates them as Python.
An approximation of an irrational number counts when it agrees to six decimals (math-verify's default); one of a plain
fraction does not.
"""

from functools import lru_cache
from typing import Any

from reasonflux.errors import BadInput
from reasonflux.reasoning.spelling import cleaned, spelling
from reasonflux.records import Verdict
from reasonflux.rewards.exact import decide, without_percent

MAX_ANSWER = 4_096  # characters; a longer answer is right only when it is spelled like the gold answer
MAX_SETTLED = 200  # characters of an answer that `settle_math` looks at


def settle_math(answer: str, gold: str) -> Verdict | None:
    """What `grade_math` says where spellings alone decide it; None where it takes algebra. Linear, and never raises."""
    if max(len(answer), len(gold)) > MAX_SETTLED or not cleaned(gold):
        return None
    same = decide(spelling(cleaned(answer)), spelling(cleaned(gold)))
    return None if same is None else Verdict.CORRECT if same else Verdict.WRONG


def grade_math(answer: str, gold: str) -> Verdict:
    """`Verdict.CORRECT` or `Verdict.WRONG`. Raises `BadInput` for an empty gold answer, `MemoryError` when it runs out.

    Not symmetric: `5` answers the gold `x=5`, and what math-verify cannot parse is compared by its spelling.
    """
    if not cleaned(gold):
        raise BadInput("the gold answer is empty", "Leave the problem out or give it an answer")
    if len(answer) > MAX_ANSWER:
        return Verdict.CORRECT if answer.strip() == gold.strip() else Verdict.WRONG
    gold, answer = cleaned(gold), cleaned(answer)
    same = decide(spelling(answer), spelling(gold))
    if same is None:
        same = _same_by_algebra(answer, gold)
    return Verdict.CORRECT if same else Verdict.WRONG


def _same_by_algebra(answer: str, gold: str) -> bool:
    from math_verify import verify

    fractions = without_percent(answer), without_percent(gold)
    if (fractions[0] == answer) != (fractions[1] == gold):
        answer, gold = fractions
    return verify(
        gold=list(_parsed(gold)), target=list(_parsed(answer)), allow_set_relation_comp=True, timeout_seconds=None
    )


@lru_cache(maxsize=4_096)
def _parsed(latex: str) -> tuple[Any, ...]:
    """Sympy's reading of one line of LaTeX, if it has one, and the text as math-verify normalises it."""
    from math_verify import LatexExtractionConfig, parse

    config = LatexExtractionConfig(boxed_match_priority=-1)
    return tuple(parse(pred=f"${latex}$", extraction_config=[config], parsing_timeout=None))
