"""What algorithms may ask of the world: generate, grade, retrieve, embed. They do not know how or where it is done."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from reasonflux.records import Message, ThoughtTemplate, Usage, Verdict


class Sampling(BaseModel):
    """How to sample; every other parameter of vLLM's `SamplingParams` passes through `extra` by its own name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float = Field(1.0, ge=0)
    top_p: float = Field(1.0, gt=0, le=1)
    top_k: int = Field(0, ge=-1)  # 0 and -1: all tokens
    max_tokens: int = Field(512, gt=0)
    stop: tuple[str, ...] = ()
    presence_penalty: float = 0.0
    logprobs: int | None = None
    json_schema: dict[str, Any] | None = None  # structured output
    regex: str | None = None
    choice: tuple[str, ...] | None = None
    extra: dict[str, Any] = {}


@dataclass(frozen=True, kw_only=True)
class Request:
    """One completion to be made. `id` is the row's id; `seed` follows from it."""

    id: str
    messages: tuple[Message, ...]
    sampling: Sampling
    seed: int | None = None
    checkpoint: str | None = None  # digest expected of the engine; None takes any


class Outcome(StrEnum):
    """How a completion ended."""

    STOPPED = "stopped"  # the model ended its answer
    TRUNCATED = "truncated"  # the answer reached max_tokens or the context's end
    PROMPT_TOO_LONG = "prompt_too_long"
    BAD_REQUEST = "bad_request"  # the engine refused the request's parameters
    WRONG_CHECKPOINT = "wrong_checkpoint"
    ENGINE_ERROR = "engine_error"  # the engine, or the way to it, failed, after retries


@dataclass(frozen=True, kw_only=True)
class Completion:
    """The answer to one request, or why there is none."""

    id: str  # of the request
    text: str
    outcome: Outcome
    usage: Usage
    message: str = ""  # for the outcomes without text: what the engine said
    logprobs: tuple[dict[str, float], ...] | None = None  # per output token: token text to logprob

    @property
    def answered(self) -> bool:
        """True when there is text to read, whole or truncated."""
        return self.outcome in (Outcome.STOPPED, Outcome.TRUNCATED)


class Generate(Protocol):
    """A list of requests in, a list of completions out, in the requests' order, one for each."""

    async def __call__(self, requests: Sequence[Request]) -> list[Completion]: ...


@dataclass(frozen=True, kw_only=True)
class Grading:
    """A verdict, the answer that was read, and the seconds it took."""

    verdict: Verdict
    answer: str
    seconds: float
    message: str = ""  # why, for timeout and error


class Grade(Protocol):
    """Texts and their gold answers in, one grading for each out, in order. It never raises for a bad text."""

    async def __call__(self, items: Sequence[tuple[str, str]]) -> list[Grading]: ...


class Retrieve(Protocol):
    """At most k templates that fit a query, each with a score, best first; none where none fits."""

    async def __call__(self, query: str, k: int) -> list[tuple[ThoughtTemplate, float]]: ...


class Embed(Protocol):
    """Texts in, unit vectors out: float32 of shape (texts, dimensions), every row of length 1."""

    @property
    def digest(self) -> str:
        """Names the model's content: vectors are kept under it."""
        ...

    def __call__(self, texts: Sequence[str], *, query: bool = False) -> NDArray[np.float32]:
        """`query`: the texts are looked up with, not looked up; some models embed the two differently."""
        ...
