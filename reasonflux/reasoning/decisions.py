"""What the navigator decided after a step: go on, another plan, or other templates (arXiv 2502.06772, Eq. 7).

Read tolerantly: any text is a decision, and one that says nothing of a plan or of templates means to go on.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Literal

from reasonflux.reasoning.parsing import FENCE, PlanFormat, WrittenStep, parse_plan, without_thinking

Action = Literal["continue", "refine", "retrieve"]
QUERY_CHARACTERS = 400  # of a query that are kept

# Possessive quantifiers: linear.
_CONTINUE = re.compile(r"\W*+(?:decision\W*+)?+continue\b", re.IGNORECASE)
_RETRIEVE = re.compile(r"^[\s#>*_`\-]*+retrieve[\s*_`]*+[:：][\s*_`\"]*+([^\n]++)", re.IGNORECASE | re.MULTILINE)
_DECODER = json.JSONDecoder(strict=False)


@dataclass(frozen=True, kw_only=True)
class ReadDecision:
    """`steps` is the whole plan anew (refine), `query` what to look for (retrieve)."""

    action: Action
    steps: tuple[WrittenStep, ...] = ()
    query: str = ""


def read_decision(text: str, plan_format: PlanFormat) -> ReadDecision:
    """The decision in a navigator's answer.

    In this order: an answer that begins with "continue"; a line "retrieve: QUERY", or a JSON object with `retrieve` or
    `query`; a list of steps in any style that `parse_plan` reads; anything else goes on.
    """
    answer = without_thinking(text)
    if _CONTINUE.match(answer):
        return ReadDecision(action="continue")
    if query := _query(answer):
        return ReadDecision(action="retrieve", query=query)
    if parse_plan(answer, "templates") and (steps := parse_plan(answer, plan_format)):
        return ReadDecision(action="refine", steps=steps)
    return ReadDecision(action="continue")


def _query(answer: str) -> str:
    written = _RETRIEVE.search(answer)
    value = written[1] if written else _json_query(answer)
    return " ".join(value.strip(" *_`\"'").split())[:QUERY_CHARACTERS].encode("utf-8", "replace").decode("utf-8")


def _json_query(answer: str) -> str:
    prose = FENCE.sub("", answer).strip()
    if not prose.startswith("{"):
        return ""
    try:
        value: Any = _DECODER.raw_decode(prose)[0]
    except (ValueError, RecursionError):
        return ""
    keys = ("retrieve", "query") if isinstance(value, dict) else ()
    return next((value[key] for key in keys if isinstance(value.get(key), str)), "")
