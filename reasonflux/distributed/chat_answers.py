"""A chat in, a solution out as OpenAI's chat completion: what answers is its content, how it was found its reasoning.

The reasoning stands under both names that clients read: `reasoning` (vLLM) and `reasoning_content` (older clients).
"""

import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError

from reasonflux.distributed.access import Refusal
from reasonflux.identity import digest
from reasonflux.protocols import Outcome
from reasonflux.reasoning.answers import extract_answer
from reasonflux.records import Decision, Exchange, Problem, Solution
from reasonflux.showing import decision_words, exchange_words

DONE = "data: [DONE]\n\n"


class _Part(BaseModel):
    type: str
    text: str = ""


class _Message(BaseModel):
    role: str
    content: str | list[_Part] | None = None

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            if other := [part.type for part in self.content if part.type != "text"]:
                raise Refusal(400, "unsupported_content", f"A problem is text, not {other[0]}", param="messages")
            return "\n".join(part.text for part in self.content)
        return self.content or ""


class _StreamOptions(BaseModel):
    include_usage: bool = False


class Chat(BaseModel):
    """What a request may ask for. Temperature, max_tokens and the like are passed over: sampling is the method's."""

    model: str = ""
    messages: list[_Message]
    stream: bool = False
    stream_options: _StreamOptions | None = None
    n: int | None = 1
    seed: int | None = None  # another seed, another solution

    @classmethod
    def read(cls, body: bytes, served: str) -> "Chat":
        """A request's body; raises `Refusal` for what is none, and for another model than `served`."""
        try:
            chat = cls.model_validate_json(body)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            param = ".".join(map(str, first["loc"])) or None
            raise Refusal(400, "invalid_request", f"{param or 'body'}: {first['msg']}", param=param) from None
        if chat.model not in ("", served):
            raise Refusal(404, "model_not_found", f"The model here is {served}", param="model")
        if chat.n not in (None, 1):
            raise Refusal(400, "unsupported_value", "A problem has one solution: n is 1", param="n")
        return chat

    @property
    def problem(self) -> Problem:
        """The one user message; system messages are passed over. Raises `Refusal` where there is no one problem."""
        asked = [message for message in self.messages if message.role not in ("system", "developer")]
        if [message.role for message in asked] != ["user"] or not asked[0].text.strip():
            what = "One problem is answered at a time, without a memory: send one message of the user, its statement"
            raise Refusal(400, "not_a_problem", what, param="messages")
        text = asked[0].text
        return Problem(id=digest("problem", text, self.seed), text=text, gold="", problem_set="")


def told(what: Exchange | Decision) -> str:
    """A thought: an exchange or a decision, in the words of a solution's print-out."""
    words = exchange_words(what) if isinstance(what, Exchange) else (decision_words(what),)
    return "\n".join(words) + "\n\n"


def refusal_of(solution: Solution) -> Refusal | None:
    """Why there is no answer, where that is not the models' doing: the client may ask again, or ask otherwise."""
    failure = solution.failure
    if failure is None:
        return None
    words = f"{failure.stage}: {failure.message or failure.error}"
    if failure.error in (Outcome.ENGINE_ERROR, Outcome.WRONG_CHECKPOINT):
        return Refusal(503, "engine_unavailable", words, retry_after_s=1)
    if failure.error == Outcome.PROMPT_TOO_LONG:
        return Refusal(400, "context_length_exceeded", words, param="messages")
    return None


def answer_text(solution: Solution) -> str:
    """The last text of the reasoner that gives the solution's answer; the answer alone where none does; else empty."""
    texts = [exchange.text for exchange in solution.exchanges if exchange.role == "reasoner" and exchange.text]
    for text in reversed(texts):
        if extract_answer(text) == solution.answer:
            return text
    return "" if solution.answer is None else rf"\boxed{{{solution.answer}}}"


@dataclass(frozen=True)
class Answer:
    """One chat completion in the making."""

    model: str
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, solution: Solution, reasoning: str) -> dict[str, Any]:
        """The completion, not streamed."""
        message = {"role": "assistant", "content": answer_text(solution), **_thought(reasoning)}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        return self._head("chat.completion") | {"choices": [choice], "usage": _usage(solution)} | _facts(solution)

    def beginning(self) -> str:
        """The first event of a stream."""
        return self._event({"role": "assistant", "content": ""})

    def thought(self, reasoning: str) -> str:
        """An event of a stream: some more of the reasoning."""
        return self._event(_thought(reasoning))

    def ending(self, solution: Solution, include_usage: bool) -> str:
        """The last events of a stream."""
        said = self._event({"content": answer_text(solution)})
        end = self._event({}, finish_reason="stop", **_facts(solution))
        usage = self._head("chat.completion.chunk") | {"choices": [], "usage": _usage(solution)}
        return said + end + (_event(usage) if include_usage else "") + DONE

    def _event(self, delta: dict[str, Any], finish_reason: str | None = None, **facts: Any) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return _event(self._head("chat.completion.chunk") | {"choices": [choice]} | facts)

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}


def _event(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"


def _thought(text: str) -> dict[str, str]:
    return {"reasoning": text, "reasoning_content": text}


def _usage(solution: Solution) -> dict[str, int]:
    prompt, output = solution.tokens()
    return {"prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt + output}


def _facts(solution: Solution) -> dict[str, Any]:
    """What OpenAI's schema has no place for, under a name of its own; the checkpoints stand in the fingerprint.

    A role has several of them where its engine took another between two exchanges.
    """
    served: dict[str, list[str]] = {}
    for exchange in solution.exchanges:
        by_role = served.setdefault(exchange.role, [])
        if exchange.usage.checkpoint not in ("", *by_role):
            by_role.append(exchange.usage.checkpoint)
    failure = solution.failure
    facts = {
        "method": solution.method,
        "answer": solution.answer,
        "steps": [": ".join(filter(None, (step.name, step.instruction))) for step in solution.steps],
        "rounds": solution.rounds,
        "checkpoints": served,
        "failure": failure and f"{failure.stage}: {failure.error}: {failure.message}",
    }
    fingerprint = "+".join(checkpoint for role in sorted(served) for checkpoint in served[role])
    return {"system_fingerprint": fingerprint, "reasonflux": facts}
