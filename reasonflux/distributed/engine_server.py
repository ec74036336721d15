"""The Serve replica: one vLLM engine that takes lists of requests and streams completions back as they finish.

A call's prompts are tokenised together, off the event loop. Its completions travel in batches, since a message a
completion would cost more CPU than a small model's forward pass: one that is done waits for others of its call, for a
share of the call's age, so that a call takes few messages and none is late by much.
"""

import asyncio
import gc
import logging
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reasonflux.checkpoints import stage
from reasonflux.config import EngineSpec
from reasonflux.distributed.admission import Admission
from reasonflux.distributed.engine_options import engine_arguments
from reasonflux.distributed.metrics import EngineLoad
from reasonflux.distributed.sampling import detokenise, vllm_parameters
from reasonflux.distributed.swapping import FRESH, prepare, swap_weights
from reasonflux.errors import EngineError
from reasonflux.protocols import Completion, Outcome, Request
from reasonflux.records import Message, Usage

if TYPE_CHECKING:
    from vllm.outputs import CompletionOutput, RequestOutput
    from vllm.v1.engine.async_llm import AsyncLLM

GATHER_SHARE = 0.25  # of a call's age: how long a finished completion waits for others
GATHER_S = 1.0  # at most
SHUTDOWN_S = 1.0  # for the engine to end by itself
DRAIN_S = 60.0  # before a swap, for what runs to end by itself; then it is broken off, and callers ask again
ABORT_S = 10.0
logger = logging.getLogger(__name__)

_OUTCOMES = {"stop": Outcome.STOPPED, "length": Outcome.TRUNCATED, "repetition": Outcome.TRUNCATED}


class EngineServer:
    """`generate`, `stats` and health of one engine; the digest of its checkpoint stands on every completion."""

    def __init__(self, spec: EngineSpec, checkpoint: str) -> None:
        """`checkpoint` is the digest that `spec.model` must have; raises `EngineError` when it has another."""
        staged = spec.load == "stage"
        path = str(stage(spec.model, checkpoint, revision=spec.revision)) if staged else spec.model
        self._checkpoint, self._path, self._staged = checkpoint, Path(path), staged
        self._fault = ""  # why nothing can be answered any more
        self._admission = Admission()
        with _long_lived():
            self._engine = _engine(engine_arguments(spec, path))
        self._tokenizer = self._engine.get_tokenizer()
        self._context = self._engine.model_config.max_model_len
        self._counts: Counter[str] = Counter()
        self._calls = 0
        self._load = EngineLoad(spec.max_num_seqs)

    async def generate(self, requests: Sequence[Request]) -> AsyncIterator[list[Completion]]:
        """Every request's completion, in batches as they finish; raises only when the engine itself has died."""
        started = time.monotonic()
        self._calls += 1
        call = self._calls
        prompts = await asyncio.to_thread(self._tokenise, [request.messages for request in requests])
        pending = {
            asyncio.create_task(self._complete(f"{call}-{index}", request, prompt, started))
            for index, (request, prompt) in enumerate(zip(requests, prompts, strict=True))
        }
        self._load.began(call, len(pending))
        try:
            while pending:
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                if pending:
                    wait = min(GATHER_S, GATHER_SHARE * (time.monotonic() - started))
                    more, pending = await asyncio.wait(pending, timeout=wait)
                    done |= more
                self._load.left(call, len(pending))
                yield [task.result() for task in done]
        finally:
            self._load.ended(call)
            for task in pending:
                task.cancel()

    async def stats(self) -> dict[str, int]:
        """Counts since this replica started: calls, requests, prompt_tokens, output_tokens, cached_tokens, outcomes."""
        return {"calls": self._calls, **self._counts}

    async def reset_prefix_cache(self) -> bool:
        """Forgets the prompts seen so far; False while a request still uses what is to be forgotten."""
        return bool(await self._engine.reset_prefix_cache())

    async def serves(self) -> str:
        """Digest of the checkpoint that answers."""
        return self._checkpoint

    async def reconfigure(self, user_config: Mapping[str, str]) -> None:
        """Serve calls this on start-up, and when the application is given another checkpoint; see `swap`."""
        await self.swap(user_config["model"], user_config["checkpoint"])

    async def swap(self, model: str, checkpoint: str) -> None:
        """Answers with another checkpoint from here on; what runs ends before, what comes meanwhile waits.

        Takes the weights' size in main memory for the canary, and on CPU once more for the new model beside the old.
        Raises `EngineError`: the model has another digest or another architecture, or after the swap the engine does
        not compute what the files say; Serve then replaces the replica by a fresh one.
        """
        if checkpoint == self._checkpoint:
            return
        if not self._staged:
            raise EngineError("weights that are streamed are not swapped", FRESH)
        dtype = str(self._engine.model_config.dtype).removeprefix("torch.")
        path = await asyncio.to_thread(stage, model, checkpoint)
        prepared = await asyncio.to_thread(prepare, self._path, path, self._tokenizer, dtype)
        started = time.monotonic()
        async with self._admission.closed():
            await self._drain()
            try:
                difference = await swap_weights(self._engine, prepared)
            except BaseException as error:  # a swap that is broken off leaves nobody knows what, too
                self._fault = f"the swap to {checkpoint} failed: {error or type(error).__name__}"
                raise
            self._checkpoint, self._path = checkpoint, path
        spent = time.monotonic() - started
        logger.warning("serves %s after %.2f s; canary: %.2g nats a token", checkpoint, spent, difference)

    def _drain_s(self) -> float:
        return DRAIN_S

    async def _drain(self) -> None:
        if not await self._admission.emptied(self._drain_s()):
            await self._engine.pause_generation(mode="abort")
            await self._engine.resume_generation()
            if not await self._admission.emptied(ABORT_S):
                raise EngineError(f"requests still run {ABORT_S:g} s after they were broken off", FRESH)

    async def check_health(self) -> None:
        """Raises when the engine is dead or may not answer, so that Serve replaces this replica."""
        if self._fault:
            raise EngineError(self._fault, FRESH)
        await self._engine.check_health()

    def close(self) -> None:
        """Ends the engine's process; nothing can be asked of it any more."""
        if engine := self.__dict__.pop("_engine", None):
            engine.shutdown(timeout=SHUTDOWN_S)

    def __del__(self) -> None:
        self.close()

    def _tokenise(self, prompts: Sequence[tuple[Message, ...]]) -> list[list[int] | Exception]:
        return [self._token_ids(messages) for messages in prompts]

    def _token_ids(self, messages: tuple[Message, ...]) -> list[int] | Exception:
        """Token ids of a chat, or the error of a template that refuses it (a role it does not know, say).

        A chat that ends with the assistant's words is one that the model goes on with.
        """
        chat = [{"role": message.role, "content": message.content} for message in messages]
        turn = "continue_final_message" if messages[-1].role == "assistant" else "add_generation_prompt"
        try:
            text = self._tokenizer.apply_chat_template(chat, tokenize=False, **{turn: True})
            return self._tokenizer.encode(text, add_special_tokens=False)
        except Exception as error:  # a template is a program of the model's author
            return error

    async def _complete(self, name: str, request: Request, prompt: list[int] | Exception, started: float) -> Completion:
        if isinstance(prompt, Exception):
            completion = self._without_text(request, Outcome.BAD_REQUEST, f"chat template: {prompt}")
        else:
            async with self._admission.enter():  # which checkpoint answers is settled inside
                completion = self._refusal(request, prompt) or await self._ask(name, request, prompt, started)
        usage = completion.usage
        self._counts.update(
            requests=1,
            prompt_tokens=usage.prompt_tokens,
            output_tokens=usage.output_tokens,
            cached_tokens=usage.cached_tokens,
            **{completion.outcome.value: 1},
        )
        return completion

    def _refusal(self, request: Request, prompt: list[int]) -> Completion | None:
        if self._fault:
            return self._without_text(request, Outcome.ENGINE_ERROR, self._fault)
        if request.checkpoint not in (None, self._checkpoint):
            message = f"this engine serves checkpoint {self._checkpoint}, the request expects {request.checkpoint}"
            return self._without_text(request, Outcome.WRONG_CHECKPOINT, message)
        if len(prompt) >= self._context:
            message = f"prompt of {len(prompt)} tokens; the context is {self._context}, answer included"
            return self._without_text(request, Outcome.PROMPT_TOO_LONG, message, prompt_tokens=len(prompt))
        return None

    async def _ask(self, name: str, request: Request, prompt: list[int], started: float) -> Completion:
        from vllm.exceptions import VLLMClientError
        from vllm.inputs.engine import tokens_input
        from vllm.v1.engine.exceptions import EngineDeadError

        answer: RequestOutput | None = None
        try:
            parameters = vllm_parameters(request.sampling, request.seed, detokenize=False)
            async for output in self._engine.generate(tokens_input(prompt), parameters, name):
                answer = output
        except EngineDeadError:
            self._end_process()
            raise
        except Exception as error:
            cause = error.__cause__ or error  # vLLM wraps what went wrong inside one request
            refused = isinstance(cause, VLLMClientError | ValueError | TypeError)
            outcome = Outcome.BAD_REQUEST if refused else Outcome.ENGINE_ERROR
            return self._without_text(request, outcome, f"{type(cause).__name__}: {cause}")
        if answer is None:
            return self._without_text(request, Outcome.ENGINE_ERROR, "the engine gave no answer")
        (output,) = answer.outputs
        if not parameters.detokenize:
            output.text = detokenise(self._tokenizer, prompt, parameters, output)
        return self._completion(request, answer, output, time.monotonic() - started)

    def _completion(
        self, request: Request, answer: "RequestOutput", output: "CompletionOutput", latency: float
    ) -> Completion:
        outcome = _OUTCOMES.get(output.finish_reason or "")
        if outcome is None:  # "abort" or "error"
            message = f"the engine ended the request with {output.finish_reason!r}"
            return self._without_text(request, Outcome.ENGINE_ERROR, message)
        usage = Usage(
            prompt_tokens=len(answer.prompt_token_ids or ()),
            output_tokens=len(output.token_ids),
            cached_tokens=answer.num_cached_tokens or 0,
            latency_s=latency,
            cumulative_logprob=output.cumulative_logprob,
            checkpoint=self._checkpoint,
        )
        logprobs = None if request.sampling.logprobs is None else _logprobs(output)
        return Completion(id=request.id, text=output.text, outcome=outcome, usage=usage, logprobs=logprobs)

    def _without_text(self, request: Request, outcome: Outcome, message: str, prompt_tokens: int = 0) -> Completion:
        usage = Usage(prompt_tokens=prompt_tokens, checkpoint=self._checkpoint)
        return Completion(id=request.id, text="", outcome=outcome, usage=usage, message=message)

    def _end_process(self) -> None:
        """The engine's own process has died and cannot be started again from here: Serve starts a new replica."""
        logger.error("the engine has died; this replica ends so that Serve replaces it")
        asyncio.get_running_loop().call_later(1.0, os._exit, 1)  # time for the error to reach the caller


def _engine(arguments: dict[str, Any]) -> "AsyncLLM":
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.v1.engine.async_llm import AsyncLLM

    return AsyncLLM.from_engine_args(AsyncEngineArgs(**arguments))


@contextmanager
def _long_lived() -> Iterator[None]:
    """What is made inside lives as long as the process: Python does not look for garbage in it, now or later.

    A quarter of vLLM's import would be spent on that, and a second of each full collection while requests wait.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _logprobs(output: "CompletionOutput") -> tuple[dict[str, float], ...]:
    """Per output token: the text of each token that was weighed, and its logprob in nats."""
    positions: list[dict[str, float]] = []
    for candidates in output.logprobs or ():
        texts: dict[str, float] = {}
        for token_id, candidate in candidates.items():
            text = candidate.decoded_token if candidate.decoded_token is not None else f"<{token_id}>"
            texts[text] = max(candidate.logprob, texts.get(text, candidate.logprob))
        positions.append(texts)
    return tuple(positions)
