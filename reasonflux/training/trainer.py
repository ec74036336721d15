"""A recipe as one of TRL's trainers: SFTTrainer for fine-tuning, DPOTrainer for Eq. 4 of arXiv 2502.06772.

Loads torch; imported inside workers only.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM, TrainerCallback
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

from reasonflux.training.data import REFERENCE
from reasonflux.training.recipe import TrainingRecipe
from reasonflux.training.rows import SIDES, Row
from reasonflux.training.zero import start_on_cpu, zero_config

Trainer = Any  # SFTTrainer or DPOTrainer, neither of which is typed
COLUMNS = ("prompt", *SIDES, *REFERENCE)
# TRL's columns that are as long as one another; the last of a group has nothing of the prompt
ANSWERS = (("input_ids", "labels"), ("chosen_ids",), ("rejected_ids",))


def build_trainer(
    recipe: TrainingRecipe, model: Path, rows: Sequence[Row], output: Path, callbacks: Sequence[TrainerCallback] = ()
) -> Trainer:
    """The trainer of a recipe for the checkpoint in directory `model`; `rows` are usable ones, `output` is its own.

    With `dpo.stored_reference` it holds no reference model: `rows` have TRL's columns of reference log-probabilities,
    or `reference.store` makes them.
    """
    trainer = _trl_trainer(recipe, model, rows, output, callbacks)
    trainer.train_dataset = _ended(trainer.train_dataset, trainer.processing_class.eos_token_id)
    return trainer


def _trl_trainer(
    recipe: TrainingRecipe, model: Path, rows: Sequence[Row], output: Path, callbacks: Sequence[TrainerCallback]
) -> Trainer:
    dataset = Dataset.from_list([{name: row[name] for name in COLUMNS if name in row} for row in rows])
    common: dict[str, Any] = {
        "model": str(model),
        "train_dataset": dataset,
        "processing_class": AutoTokenizer.from_pretrained(model, local_files_only=True),
        "callbacks": list(callbacks),
        "peft_config": _lora(recipe),
    }
    if recipe.zero and recipe.workers.device == "cpu":
        start_on_cpu()
    settings = _settings(recipe, output)
    if recipe.dpo is None:
        return SFTTrainer(args=SFTConfig(**settings, packing=False), **common)
    args = DPOConfig(
        **settings,
        beta=recipe.dpo.beta,
        loss_type=list(recipe.dpo.losses),
        loss_weights=list(recipe.dpo.losses.values()),
    )
    if not recipe.dpo.stored_reference:
        return DPOTrainer(args=args, **common)
    trainer = DPOTrainer(args=args, ref_model=None if recipe.lora else _stand_in(), **common)
    trainer.ref_model = None
    trainer.precompute_ref_logps = True  # TRL's own way to get there is to compute them anew in every process
    return trainer


def _ended(tokens: Dataset, end: int) -> Dataset:
    """Rows whose answers end with the end token, without what chat templates write after it: a newline, as a rule.

    No engine draws anything there. To a model that has not learnt it, it is the least likely token of an answer by far,
    and the likelihood of the chosen would teach that before all else.
    """
    groups = [names for names in ANSWERS if set(names) <= set(tokens.column_names)]

    def cut(row: dict[str, list[int]]) -> dict[str, list[int]]:
        kept: dict[str, list[int]] = {}
        for *names, answer in groups:
            ids = row[answer]
            length = len(ids) - ids[::-1].index(end) if end in ids else len(ids)
            kept |= {name: row[name][:length] for name in (*names, answer)}
        return kept

    return tokens.map(cut)


def _settings(recipe: TrainingRecipe, output: Path) -> dict[str, Any]:
    """The arguments that fine-tuning and DPO share."""
    cpu = recipe.workers.device == "cpu"
    bf16 = recipe.precision == "bf16"
    warm = recipe.schedule == "constant" and recipe.warmup_steps
    return {
        "output_dir": str(output),
        "max_length": recipe.cutoff,
        "learning_rate": recipe.learning_rate,
        "num_train_epochs": recipe.epochs,
        "per_device_train_batch_size": recipe.per_device_batch,
        "gradient_accumulation_steps": recipe.accumulation,
        "lr_scheduler_type": "constant_with_warmup" if warm else recipe.schedule,
        "warmup_steps": recipe.warmup_steps,
        "weight_decay": recipe.weight_decay,
        "max_grad_norm": recipe.max_grad_norm,
        "bf16": bf16,
        # Without DeepSpeed, which keeps float32 copies of its own, steps as small as these vanish in bf16 weights.
        "model_init_kwargs": {"dtype": "bfloat16" if bf16 and recipe.zero else "float32"},
        "gradient_checkpointing": recipe.gradient_checkpointing,
        "deepspeed": zero_config(recipe) if recipe.zero else None,
        "optim": "adamw_torch",
        "seed": recipe.seed,
        "data_seed": recipe.seed,
        "logging_steps": recipe.log_steps,
        "logging_first_step": True,
        "logging_nan_inf_filter": False,  # a loss that is no number is to be seen
        "save_strategy": "steps",
        "save_steps": recipe.save_steps,
        "save_total_limit": 1,
        "report_to": [] if recipe.report_to == "none" else [recipe.report_to],
        "run_name": recipe.name,
        "use_cpu": cpu,
        "dataloader_pin_memory": not cpu,
        "disable_tqdm": True,
    }


def _lora(recipe: TrainingRecipe) -> Any:
    if recipe.lora is None:
        return None
    from peft import LoraConfig

    return LoraConfig(
        task_type="CAUSAL_LM",
        r=recipe.lora.rank,
        lora_alpha=recipe.lora.alpha,
        lora_dropout=recipe.lora.dropout,
        target_modules=list(recipe.lora.targets),
    )


def _stand_in() -> Any:
    """A few hundred weights in the place where TRL would otherwise load the whole reference model."""
    with torch.random.fork_rng():
        return Qwen2ForCausalLM(
            Qwen2Config(
                vocab_size=8,
                hidden_size=8,
                intermediate_size=8,
                num_hidden_layers=1,
                num_attention_heads=1,
                num_key_value_heads=1,
            )
        )
