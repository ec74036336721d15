"""Plans sampled from a model while it trains: the small hook of `watch`. Loads torch."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from accelerate.utils import broadcast_object_list

from reasonflux.library.resolve import Resolver
from reasonflux.training.recipe import Watch
from reasonflux.training.rows import Chat
from reasonflux.training.watch import IN_LIBRARY, PLAN_TOKENS, in_library


def plan_probe(
    watch: Watch, prompts: Sequence[Chat], tokenizer: Any, resolver: Resolver
) -> Callable[[Any], Mapping[str, float]]:
    """Samples one plan a prompt at temperature 1, each time with the same seed, and counts names as they are written.

    Every process samples, since weights may be spread over all; what the first one found counts everywhere.
    """
    texts = [
        tokenizer.apply_chat_template(list(prompt), tokenize=False, add_generation_prompt=True) for prompt in prompts
    ]

    def probe(model: Any) -> Mapping[str, float]:
        training = model.training
        model.eval()
        plans, tokens = _sample(model, tokenizer, texts, watch.max_tokens)
        model.train(training)
        found = [{IN_LIBRARY: in_library(plans, resolver), PLAN_TOKENS: tokens}]
        broadcast_object_list(found)
        return found[0]

    return probe


def _sample(model: Any, tokenizer: Any, texts: list[str], max_tokens: int) -> tuple[list[str], float]:
    inner = getattr(model, "module", model)
    batch = tokenizer(texts, return_tensors="pt", padding=True, padding_side="left", add_special_tokens=False)
    batch = {name: batch[name].to(inner.device) for name in ("input_ids", "attention_mask")}
    devices = [inner.device] if inner.device.type == "cuda" else []
    with torch.no_grad(), torch.random.fork_rng(devices=devices):
        torch.manual_seed(0)
        made = inner.generate(
            **batch, do_sample=True, temperature=1.0, top_k=0, top_p=1.0, max_new_tokens=max_tokens, use_cache=True
        )
    answers = made[:, batch["input_ids"].shape[1] :]
    lengths = (answers != tokenizer.pad_token_id).sum(1).float().mean().item()
    return tokenizer.batch_decode(answers, skip_special_tokens=True), lengths
