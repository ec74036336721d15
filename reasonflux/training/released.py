"""Rows of data sets in the formats in which others release them, as TRL's conversational rows (reference row V14).

The published recipes are LLaMA-Factory's, whose two formats these are:

alpaca     instruction (or prompt), input, output; for preferences chosen and rejected in place of output; perhaps
           system and history
sharegpt   conversations of from and value (or messages of role and content), the last of them the answer; for
           preferences the answers stand in chosen and rejected
"""

from collections.abc import Mapping
from typing import Any

from reasonflux.errors import BadInput
from reasonflux.training.rows import Row

ROLES = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "system": "system"}
CHATS = ("conversations", "messages")
SIDES = ("chosen", "rejected")


def conversational(row: Row) -> Row:
    """`prompt` and `completion`, or `prompt`, `chosen` and `rejected`; a row that is conversational already stays.

    Raises `BadInput` naming the columns of a row that is of no known format.
    """
    if isinstance(row.get("prompt"), list):
        return row
    sides = [side for side in SIDES if row.get(side) is not None]
    asked = row.get("instruction") or row.get("prompt")
    if asked and (sides == list(SIDES) or "output" in row):
        prompt = [*_before(row), _said("user", "\n".join(filter(None, (asked, row.get("input")))))]
        answers = {side: row[side] for side in SIDES} if sides else {"completion": row["output"]}
    elif chat := next((row[name] for name in CHATS if row.get(name)), None):
        turns = [*_before(row), *map(_turn, chat)]
        prompt, last = (turns, None) if sides else (turns[:-1], turns[-1])
        answers = {side: row[side] for side in SIDES} if last is None else {"completion": [last]}
    else:
        raise BadInput(
            f"a row with the columns {', '.join(sorted(row))} is of no known format",
            "Give instruction, input and output (or chosen and rejected), or conversations of from and value",
        )
    return {"prompt": prompt, **{side: _answer(answer) for side, answer in answers.items()}}


def _before(row: Row) -> list[dict[str, str]]:
    """What alpaca keeps apart: the system's words, and earlier questions with their answers."""
    system = [_said("system", row["system"])] if row.get("system") else []
    earlier = [(_said("user", asked), _said("assistant", told)) for asked, told in row.get("history") or ()]
    return [*system, *(turn for pair in earlier for turn in pair)]


def _answer(answer: Any) -> list[dict[str, str]]:
    """A text, a turn, or turns."""
    if isinstance(answer, str):
        return [_said("assistant", answer)]
    return [_turn(answer)] if isinstance(answer, Mapping) else [_turn(turn) for turn in answer]


def _turn(turn: Mapping[str, Any]) -> dict[str, str]:
    role, content = turn.get("from", turn.get("role")), turn.get("value", turn.get("content"))
    if role not in ROLES or not isinstance(content, str):
        raise BadInput(f"a turn from {role!r} is of no known format", f"Roles are {', '.join(ROLES)}")
    return _said(ROLES[role], content)


def _said(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}
