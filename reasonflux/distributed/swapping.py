"""A new checkpoint in a running engine: what must hold before, the swap itself, and the proof after it."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reasonflux.distributed.canary import canary_prompts, check_canary, engine_logprobs, reference_model
from reasonflux.errors import EngineError
from reasonflux.identity import file_digest

RESET_DEADLINE_S = 30.0  # for the blocks of requests that have just ended
FRESH = "It takes a fresh engine"
INCIDENTAL = {"_name_or_path", "transformers_version", "dtype", "torch_dtype", "use_cache"}  # in a model's config


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A checkpoint that an engine can swap to, and its second reader."""

    served: Path
    path: Path
    vocabulary: int
    dtype: str  # the engine's
    reference: Any  # the model as transformers reads it


def prepare(served: Path, path: Path, tokenizer: Any, dtype: str) -> Prepared:
    """Reads what a swap from the model at `served` to the one at `path` needs, while the engine still answers.

    An engine keeps the architecture, the tokenizer and the chat template that it was started with. Raises `EngineError`
    where the new checkpoint has others.
    """
    from vllm.tokenizers import get_tokenizer

    before, after = _architecture(served), _architecture(path)
    if other := sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key)):
        raise EngineError(f"the model at {path} differs in {', '.join(other[:5])}", FRESH)
    new = get_tokenizer(str(path), trust_remote_code=False)
    if new.get_vocab() != tokenizer.get_vocab() or new.chat_template != tokenizer.chat_template:
        raise EngineError(f"the model at {path} has another vocabulary or chat template", FRESH)
    reference = reference_model(str(path), dtype)
    return Prepared(served=served, path=path, vocabulary=len(new), dtype=dtype, reference=reference)


async def swap_weights(engine: Any, prepared: Prepared) -> float:
    """Loads the checkpoint into an engine that runs nothing, forgets the prefix cache, and proves the weights.

    Returns the canary's difference in nats a token. Raises `EngineError` when the engine does not compute what the
    checkpoint's files say: it may not answer anything then.
    """
    prompts = canary_prompts(prepared.vocabulary, engine.model_config.max_model_len)
    before = await engine_logprobs(engine, prompts)
    await engine.collective_rpc("swap_checkpoint", args=(str(prepared.path),))
    await forget_prefixes(engine)
    after = await engine_logprobs(engine, prompts)
    found = await asyncio.to_thread(check_canary, after, prepared.reference, prepared.dtype)
    if after == before and await asyncio.to_thread(_weights, prepared.served) != _weights(prepared.path):
        raise EngineError("the engine computes what it computed before", FRESH)  # a change may be below the tolerance
    return found


async def forget_prefixes(engine: Any) -> None:
    """Empties the prefix cache, which was computed with the old weights; raises `EngineError` while it is in use."""
    end = time.monotonic() + RESET_DEADLINE_S
    while not await engine.reset_prefix_cache():
        if time.monotonic() > end:
            raise EngineError(f"the prefix cache is still in use after {RESET_DEADLINE_S:g} s", FRESH)
        await asyncio.sleep(0.01)


def _weights(path: Path) -> list[str]:
    return [file_digest(file) for file in sorted(path.glob("*.safetensors"))]


def _architecture(path: Path) -> Mapping[str, Any]:
    """What of a model's config decides what is computed."""
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(path, local_files_only=True, trust_remote_code=False).to_dict()
    return {key: value for key, value in config.items() if key not in INCIDENTAL}
