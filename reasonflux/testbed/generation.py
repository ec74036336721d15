"""Completions of the testbed's models without an engine: batches through transformers, for evaluation and tests."""

from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerFast, Qwen2ForCausalLM

BATCH = 256


def load_model(directory: Path) -> Qwen2ForCausalLM:
    """The weights of a model directory, rounded as they are stored, computed with in float32."""
    model: Qwen2ForCausalLM = Qwen2ForCausalLM.from_pretrained(directory, dtype=torch.float32)
    return model.eval()


@torch.no_grad()
def complete(
    model: Qwen2ForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    prompts: Sequence[str],
    *,
    max_tokens: int,
    temperature: float = 0.0,
    seed: int = 0,
) -> list[str]:
    """One text for each prompt, in order, without special tokens; temperature 0 takes the likeliest token."""
    model.eval()
    torch.manual_seed(seed)
    order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
    texts = [""] * len(prompts)
    sampling = {"do_sample": True, "temperature": temperature, "top_k": 0} if temperature else {"do_sample": False}
    for start in range(0, len(order), BATCH):
        chosen = order[start : start + BATCH]
        inputs = tokenizer(
            [prompts[index] for index in chosen],
            add_special_tokens=False,
            padding=True,
            padding_side="left",
            return_tensors="pt",
            return_token_type_ids=False,
        )
        output = model.generate(**inputs, max_new_tokens=max_tokens, **sampling)
        written = tokenizer.batch_decode(output[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        for index, text in zip(chosen, written, strict=True):
            texts[index] = text
    return texts
