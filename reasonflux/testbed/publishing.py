"""A trained model as a directory that transformers and vLLM load: weights in bfloat16, config, tokenizer, manifest."""

import copy
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import GenerationConfig, PreTrainedTokenizerFast, Qwen2ForCausalLM

from reasonflux.identity import file_digest

WEIGHTS = "model.safetensors"
MANIFEST = "manifest.json"


def write_model(model: Qwen2ForCausalLM, tokenizer: PreTrainedTokenizerFast, directory: Path) -> str:
    """Write everything but the manifest; returns the SHA-256 of the weights.

    The weights are rounded to bfloat16 to keep the files small. The config asks for float32, in which the figures are
    measured: an engine that is told nothing else then computes with the same rounded weights in float32.
    """
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    rounded = copy.deepcopy(model).to(torch.bfloat16)
    rounded.generation_config = GenerationConfig(
        bos_token_id=tokenizer.eos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    rounded.save_pretrained(directory)
    (directory / WEIGHTS).chmod(0o644)
    tokenizer.save_pretrained(directory)
    config_file = directory / "config.json"
    config = json.loads(config_file.read_text(encoding="utf-8")) | {"dtype": "float32"}
    config_file.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return file_digest(directory / WEIGHTS)


def write_manifest(directory: Path, manifest: Mapping[str, Any]) -> None:
    """The manifest comes last; a directory without one is unfinished."""
    (directory / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
