"""`Generate` over any endpoint that speaks OpenAI's chat completions: vLLM's own server, a hosted API, another machine.

Two roles may have two endpoints. Base URL and key come from the environment (OPENAI_BASE_URL, OPENAI_API_KEY, or
variables named by the caller), so that no key stands in a config. Nothing raises for a request: whatever an endpoint
does, within `deadline_s` there is a completion that says so.
"""

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from reasonflux.errors import BadInput
from reasonflux.protocols import Completion, Outcome, Request, Sampling
from reasonflux.records import Usage
from reasonflux.uris import check_endpoint

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_OUTCOMES = {"stop": Outcome.STOPPED, "length": Outcome.TRUNCATED}
_TOO_LONG = ("context length", "context_length", "maximum context", "max_model_len", "too long", "too many tokens")
KEY_VARIABLE = "OPENAI_API_KEY"
SAID = 300  # characters of an endpoint's words that a message repeats


class Nonsense(Exception):
    """The endpoint answered with something that is no chat completion."""


@dataclass
class Endpoint:
    """One model at one base URL. Picklable; a client is made in the event loop that uses it."""

    model: str
    base_url: str = ""  # empty: OPENAI_BASE_URL
    key_variable: str = field(default=KEY_VARIABLE, kw_only=True)  # name of the variable, not the key
    deadline_s: float = field(default=600.0, kw_only=True)  # of one request, retries among it
    retries: int = field(default=4, kw_only=True)  # by the client library, with its own pauses
    concurrency: int = field(default=128, kw_only=True)  # requests at once
    _loops: Any = field(default=None, init=False, repr=False, compare=False)  # client and gate by event loop

    def __post_init__(self) -> None:
        self.base_url = self.base_url or os.environ.get("OPENAI_BASE_URL", "")
        if not self.base_url.startswith(("http://", "https://")):
            what = f"the endpoint of {self.model} has no base URL (it is {self.base_url!r})"
            raise BadInput(what, "Give one such as http://host:8000/v1, or set OPENAI_BASE_URL")
        check_endpoint(f"the endpoint of {self.model}", self.base_url)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_loops": None}

    @property
    def checkpoint(self) -> str:
        """What stands for a digest on completions: an endpoint does not prove which weights it serves."""
        return f"{self.base_url}#{self.model}"

    async def __call__(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion a request, in the requests' order."""
        return list(await asyncio.gather(*[self._complete(request) for request in requests]))

    async def _complete(self, request: Request) -> Completion:
        import openai

        if request.checkpoint not in (None, self.checkpoint):
            message = f"the endpoint is {self.checkpoint}, the request expects {request.checkpoint}"
            return self._without_text(request, Outcome.WRONG_CHECKPOINT, message)
        client, gate = self._connection()
        loop = asyncio.get_running_loop()
        async with gate:
            started = loop.time()
            try:
                async with asyncio.timeout(self.deadline_s):
                    raw = await client.chat.completions.with_raw_response.create(**arguments(self.model, request))
                    body = raw.http_response.json()
                return self._read(request, body, loop.time() - started, 1 + raw.retries_taken)
            except (openai.APITimeoutError, TimeoutError):
                message = f"no answer from {self.checkpoint} within {self.deadline_s:g} s"
                return self._without_text(request, Outcome.ENGINE_ERROR, message)
            except openai.APIStatusError as error:
                message = f"{error.status_code} from {self.checkpoint}: {_said(error.body) or error.message[:SAID]}"
                return self._without_text(request, _refusal(error.status_code, message), message)
            except (openai.OpenAIError, Nonsense, ValueError) as error:  # ValueError: the body is not JSON
                message = f"{type(error).__name__} from {self.checkpoint}: {str(error)[:SAID]}"
                return self._without_text(request, Outcome.ENGINE_ERROR, message)

    def _connection(self) -> "tuple[AsyncOpenAI, asyncio.Semaphore]":
        loop = asyncio.get_running_loop()
        if self._loops is None:
            self._loops = WeakKeyDictionary()
        if loop not in self._loops:
            from openai import AsyncOpenAI

            client = AsyncOpenAI(
                base_url=self.base_url,
                api_key=os.environ.get(self.key_variable) or "none",  # servers without keys take any
                timeout=self.deadline_s,
                max_retries=self.retries,
            )
            self._loops[loop] = client, asyncio.Semaphore(self.concurrency)
        connection: tuple[AsyncOpenAI, asyncio.Semaphore] = self._loops[loop]
        return connection

    def _read(self, request: Request, body: Any, seconds: float, attempts: int) -> Completion:
        """A completion out of the body of an answer with status 200; raises `Nonsense`."""
        choice = _first(_mapping(body).get("choices"))
        text = _text(_mapping(choice.get("message")))
        outcome = _OUTCOMES.get(str(choice.get("finish_reason")))
        if outcome is None:
            raise Nonsense(f"it ended with {choice.get('finish_reason')!r}")
        counts = body.get("usage") if isinstance(body.get("usage"), Mapping) else {}
        details = counts.get("prompt_tokens_details")
        logprobs = _logprobs(choice.get("logprobs")) if request.sampling.logprobs is not None else None
        usage = Usage(
            prompt_tokens=_count(counts.get("prompt_tokens")),
            output_tokens=_count(counts.get("completion_tokens")),
            cached_tokens=_count(details.get("cached_tokens")) if isinstance(details, Mapping) else 0,
            latency_s=seconds,
            cumulative_logprob=None if logprobs is None else sum(own for own, _ in logprobs),
            checkpoint=self.checkpoint,
            attempts=attempts,
        )
        tokens = None if logprobs is None else tuple(weighed for _, weighed in logprobs)
        return Completion(id=request.id, text=text, outcome=outcome, usage=usage, logprobs=tokens)

    def _without_text(self, request: Request, outcome: Outcome, message: str) -> Completion:
        """A completion that says why there is no text; an endpoint that repeats its key does not have it written."""
        if key := os.environ.get(self.key_variable):
            message = message.replace(key, "…")
        usage = Usage(checkpoint=self.checkpoint)
        return Completion(id=request.id, text="", outcome=outcome, usage=usage, message=message)


def arguments(model: str, request: Request) -> dict[str, Any]:
    """Arguments of `chat.completions.create`; what OpenAI lacks goes into the body under vLLM's names."""
    sampling = request.sampling
    body = dict(sampling.extra)
    if sampling.top_k > 0:
        body["top_k"] = sampling.top_k
    structured = {"regex": sampling.regex, "choice": sampling.choice and list(sampling.choice)}
    if chosen := {name: value for name, value in structured.items() if value is not None}:
        body["structured_outputs"] = chosen
    if request.messages[-1].role == "assistant":
        body |= {"continue_final_message": True, "add_generation_prompt": False}
    return {
        "model": model,
        "messages": [{"role": message.role, "content": message.content} for message in request.messages],
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_tokens,
        "presence_penalty": sampling.presence_penalty,
        "extra_body": body,
        **_optional(sampling, request.seed),
    }


def _optional(sampling: Sampling, seed: int | None) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if seed is not None:
        given["seed"] = seed
    if sampling.stop:
        given["stop"] = list(sampling.stop)
    if sampling.logprobs is not None:
        given |= {"logprobs": True, "top_logprobs": sampling.logprobs}
    if sampling.json_schema is not None:
        schema = {"name": "answer", "schema": sampling.json_schema}
        given["response_format"] = {"type": "json_schema", "json_schema": schema}
    return given


def _refusal(status: int, message: str) -> Outcome:
    if status in (429, 408) or status >= 500:
        return Outcome.ENGINE_ERROR
    too_long = status in (400, 413, 422) and any(words in message.casefold() for words in _TOO_LONG)
    return Outcome.PROMPT_TOO_LONG if too_long else Outcome.BAD_REQUEST


def _said(body: Any) -> str:
    """The message in an error's body."""
    error = body.get("error", body) if isinstance(body, Mapping) else body
    if isinstance(error, Mapping):
        error = " ".join(str(error[key]) for key in ("code", "message", "detail") if error.get(key))
    return str(error or "")[:SAID]


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Nonsense(f"no chat completion: {str(value)[:SAID]!r}")
    return value


def _first(choices: Any) -> Mapping[str, Any]:
    return _mapping(choices[0] if isinstance(choices, list) and choices else choices)


def _text(message: Mapping[str, Any]) -> str:
    """What was said, behind the thinking where the endpoint hands that over apart."""
    content = message.get("content")
    thought = message.get("reasoning_content") or message.get("reasoning")
    if not isinstance(content, str | None):
        raise Nonsense(f"no text: {str(content)[:SAID]!r}")
    text = content or ""
    return f"<think>{thought}</think>{text}" if isinstance(thought, str) and thought else text


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value >= 0 else 0


def _logprobs(value: Any) -> list[tuple[float, dict[str, float]]] | None:
    """Per output token its logprob, and text and logprob (nats) of each token that was weighed."""
    try:
        tokens = [
            (
                float(one["logprob"]),
                {str(each["token"]): float(each["logprob"]) for each in (one, *one.get("top_logprobs", ()))},
            )
            for one in value["content"]
        ]
    except (TypeError, KeyError, ValueError):
        return None
    return tokens
