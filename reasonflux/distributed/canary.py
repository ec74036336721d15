"""Does an engine compute with the weights that it should? Log-probabilities of fixed prompts, against a second reader.

The engine answers fixed prompts greedily. transformers reads the same checkpoint's files, computes the log-probability
of every token of those prompts and answers, and the two must agree. Prompts test what the engine computes at once,
answers what it computes step by step over its cache.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reasonflux.errors import EngineError
from reasonflux.identity import digest

PROMPTS = 4
PROMPT_TOKENS = 32
ANSWER_TOKENS = 16
TOLERANCE = {"float32": 2e-4}  # nats a token, mean of absolute differences
TOLERANCE_HALF = 0.15  # of 16-bit weights, whose rounding differs from kernel to kernel and grows with depth


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """One prompt with the engine's answer: token ids, and the log-probability in nats of each but the first."""

    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]


def canary_prompts(vocabulary: int, context: int) -> list[list[int]]:
    """Token ids that follow from the vocabulary's size alone; with their answers they fit into `context` tokens."""
    length = max(1, min(PROMPT_TOKENS, context - ANSWER_TOKENS - 1))
    names = [[f"canary {prompt} {place}" for place in range(length)] for prompt in range(PROMPTS)]
    return [[int(digest(name)[:8], 16) % vocabulary for name in row] for row in names]


async def engine_logprobs(engine: Any, prompts: Sequence[Sequence[int]]) -> list[Spoken]:
    """What a vLLM `AsyncLLM` that runs nothing else gives for prompts and answers; no prefix cache is read for it.

    One after the other: equal weights then give equal numbers, whatever a batch would do to rounding.
    """
    return [await _speak(engine, list(prompt)) for prompt in prompts]


async def _speak(engine: Any, prompt: list[int]) -> Spoken:
    from vllm import SamplingParams
    from vllm.inputs.engine import tokens_input

    parameters = SamplingParams(
        temperature=0, max_tokens=ANSWER_TOKENS, ignore_eos=True, detokenize=False, logprobs=0, prompt_logprobs=0
    )
    answer: Any = None
    async for output in engine.generate(tokens_input(prompt), parameters, f"canary-{uuid.uuid4()}"):
        answer = output
    said = list(answer.outputs[0].token_ids)
    of_prompt = [given[token].logprob for token, given in zip(prompt[1:], answer.prompt_logprobs[1:], strict=True)]
    of_answer = [given[token].logprob for token, given in zip(said, answer.outputs[0].logprobs, strict=True)]
    return Spoken(tokens=(*prompt, *said), logprobs=(*of_prompt, *of_answer))


def reference_model(path: str, dtype: str) -> Any:
    """The checkpoint at `path` as transformers reads its safetensors, on the CPU. Takes its size in memory."""
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(
        path, dtype=dtype, local_files_only=True, trust_remote_code=False, use_safetensors=True
    ).eval()


def reference_logprobs(model: Any, tokens: Sequence[int]) -> list[float]:
    """Log-probability in nats of every token but the first, under a transformers model."""
    import torch

    with torch.inference_mode():
        logits = model(torch.tensor([list(tokens)])).logits[0, :-1].float()
    chosen = torch.tensor(list(tokens[1:])).unsqueeze(1)
    return [float(value) for value in logits.log_softmax(-1).gather(1, chosen).squeeze(1)]


def difference(spoken: Sequence[Spoken], reference: Sequence[Sequence[float]]) -> float:
    """Mean absolute difference in nats a token."""
    pairs = [
        abs(there - here)
        for one, other in zip(spoken, reference, strict=True)
        for there, here in zip(one.logprobs, other, strict=True)
    ]
    return sum(pairs) / len(pairs)


def check_canary(spoken: Sequence[Spoken], model: Any, dtype: str) -> float:
    """The difference between an engine and `reference_model`'s `model`; raises `EngineError` beyond the tolerance."""
    found = difference(spoken, [reference_logprobs(model, one.tokens) for one in spoken])
    tolerance = TOLERANCE.get(dtype, TOLERANCE_HALF)
    if not found <= tolerance:  # nan is no agreement
        raise EngineError(
            f"the engine's log-probabilities are off by {found:.3g} nats a token, {tolerance} are tolerated",
            "It must load the checkpoint anew",
        )
    return found
