"""Rows that training takes, and which of them it cannot use, counted by reason. No torch here.

Rows are TRL's conversational ones: `prompt` and `completion` (fine-tuning), or `prompt`, `chosen` and `rejected` (DPO).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

from reasonflux.errors import BadInput
from reasonflux.library.load import TemplateLibrary
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.records import Message, ThoughtTemplate

Row = Mapping[str, Any]
Chat = Sequence[Mapping[str, str]]
Length = Callable[[Chat], int]  # tokens of a whole conversation, by the model's own chat template

SIDES = ("completion", "chosen", "rejected")


class Unusable(StrEnum):
    """Why a row is left out."""

    EMPTY_PROMPT = "empty prompt"
    EMPTY_ANSWER = "empty answer"
    EQUAL_TEXTS = "chosen and rejected are equal"
    OVER_CUTOFF = "over the cutoff"


def structure_rows(library: TemplateLibrary, prompts: PromptSet) -> Iterator[Row]:
    """Structure-based fine-tuning: name and tags ask for description and steps (L_struct of arXiv 2502.06772)."""
    for template in library.templates:
        prompt = prompts.render("structure", template=template)
        yield {"prompt": _chat(prompt), "completion": [{"role": "assistant", "content": described(template)}]}


def described(template: ThoughtTemplate) -> str:
    """A template's description, and its steps as a numbered list."""
    steps = (f"{number}. {step}" for number, step in enumerate(template.steps, start=1))
    return "\n".join([template.description, *steps])


def unusable(row: Row, length: Length, cutoff: int) -> Unusable | None:
    """The first reason against a row, None for one that can be trained on; `cutoff` in tokens, prompt and answer."""
    prompt, answers = row["prompt"], [row[side] for side in SIDES if side in row]
    if not _says(prompt):
        return Unusable.EMPTY_PROMPT
    if not all(map(_says, answers)):
        return Unusable.EMPTY_ANSWER
    if len(answers) == 2 and _texts(answers[0]) == _texts(answers[1]):
        return Unusable.EQUAL_TEXTS
    if any(length([*prompt, *answer]) > cutoff for answer in answers):
        return Unusable.OVER_CUTOFF
    return None


def check_left_out(data: str, rows: int, left_out: Counter[Unusable], most_over_cutoff: float) -> None:
    """Refuses data of which nothing is left, or of which more than a share is over the cutoff; raises `BadInput`."""
    told = ", ".join(f"{count} {reason}" for reason, count in sorted(left_out.items()))
    if left_out.total() >= rows:
        raise BadInput(f"{data} holds no row to train on: {told or 'it is empty'}", "Name data with usable rows")
    over = left_out[Unusable.OVER_CUTOFF]
    if over > most_over_cutoff * rows:
        raise BadInput(
            f"{over} of {rows} rows of {data} are over the cutoff", "Raise cutoff, or most_over_cutoff if that is meant"
        )


def count_left_out(rows: Iterable[Row], length: Length, cutoff: int) -> Counter[Unusable]:
    """Rows that cannot be used, by reason."""
    return Counter(reason for row in rows if (reason := unusable(row, length, cutoff)))


def _chat(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in messages]


def _texts(chat: Chat) -> list[str]:
    return [message["content"].strip() for message in chat]


def _says(chat: Chat) -> bool:
    return any(_texts(chat))
