"""A trained model as a checkpoint directory: the base's own files around new weights, safetensors and nothing else.

Config, tokenizer and chat template are copied from the base byte for byte, so that an engine reads text as before.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from transformers import AutoModelForCausalLM

from reasonflux.checkpoints import ADAPTER, WEIGHTS_INDEX, find_checkpoint
from reasonflux.training.recipe import TrainingRecipe
from reasonflux.training.trainer import Trainer

CONFIG = "config.json"


def export(trainer: Trainer, recipe: TrainingRecipe, base: Path, directory: Path) -> None:
    """Writes the trainer's model to `directory`; every process of the training calls it, one writes.

    Merged adapters are added to the base's weights; kept ones are written alone, beside the tokenizer.
    """
    saved = directory.with_name(f"{directory.name}.saved")
    dtype = AutoModelForCausalLM.from_pretrained(base, dtype="auto", device_map="meta").dtype
    if not (recipe.zero or recipe.lora):
        trainer.model.to(dtype)  # training is over: the base's own precision from here on
    trainer.save_model(str(saved))  # gathers what is spread over processes
    if trainer.accelerator.is_main_process:
        directory.mkdir(parents=True)
        if recipe.lora is None:
            _copy_weights(saved, directory)
        elif recipe.lora.merge:
            _merge(base, saved, directory, dtype)
        else:
            _copy_adapter(saved, directory, recipe.base)
        _copy_rest(base, directory)
    trainer.accelerator.wait_for_everyone()


def _copy_weights(saved: Path, directory: Path) -> None:
    for path in saved.iterdir():
        if path.suffix == ".safetensors" or path.name == WEIGHTS_INDEX:
            shutil.move(path, directory / path.name)


def _copy_adapter(saved: Path, directory: Path, base: str) -> None:
    _copy_weights(saved, directory)
    config = json.loads((saved / ADAPTER).read_text())
    config["base_model_name_or_path"] = base  # not the directory that this process read it from
    (directory / ADAPTER).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def _merge(base: Path, saved: Path, directory: Path, dtype: torch.dtype) -> None:
    """In float32 on the host, then in the base's own precision."""
    from peft import PeftModel

    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    merged: Any = PeftModel.from_pretrained(model, str(saved)).merge_and_unload()
    merged.to(dtype).save_pretrained(saved / "merged")
    _copy_weights(saved / "merged", directory)


def _copy_rest(base: Path, directory: Path) -> None:
    """All that an engine reads beside weights; `config.json` states the precision that the weights really have."""
    adapter = (directory / ADAPTER).exists()
    for name in find_checkpoint(str(base)).sizes:
        weights = name.endswith(".safetensors") or name in (WEIGHTS_INDEX, ADAPTER)
        if not weights and not (adapter and name == CONFIG):
            shutil.copyfile(base / name, directory / name)
    if adapter:
        return
    first = next(path for path in sorted(directory.iterdir()) if path.suffix == ".safetensors")
    with safe_open(first, "pt") as file:
        dtype = str(file.get_tensor(next(iter(file.keys()))).dtype).removeprefix("torch.")
    config = json.loads((base / CONFIG).read_text())
    key = "torch_dtype" if "torch_dtype" in config else "dtype"
    if config.get(key) != dtype:
        (directory / CONFIG).write_text(json.dumps(config | {key: dtype}, indent=2) + "\n")
