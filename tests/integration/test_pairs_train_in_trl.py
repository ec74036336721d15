"""The published pairs go into TRL as they are: no mapping, no column taken away."""

import math
from pathlib import Path

import pytest
import torch
from datasets import load_dataset
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM
from trl import DPOConfig, DPOTrainer

from reasonflux.pairs.dataset import PairDataset, PairFile
from reasonflux.pairs.provenance import Role
from tests.unit.pairs.rows import facts, pair

CHAT = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
SPECIAL = ["<|end|>", "<|user|>", "<|assistant|>"]


def byte_tokenizer() -> PreTrainedTokenizerFast:
    """One token a byte, so that any text can be read without training a vocabulary."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate([*SPECIAL, *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|end|>", pad_token="<|end|>")
    wrapped.add_special_tokens({"additional_special_tokens": SPECIAL[1:]})
    wrapped.chat_template = CHAT
    return wrapped


def tiny_qwen2(vocabulary: int) -> Qwen2ForCausalLM:
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=vocabulary,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=256,
    )
    return Qwen2ForCausalLM(config)


@pytest.mark.parametrize("role", list(Role))
def test_dpo_takes_two_steps_on_the_published_pairs(role: Role, tmp_path: Path) -> None:
    published = PairDataset(
        [PairFile.of(role, [pair(number, role.value) for number in range(4)]) for role in Role], facts()
    )
    for name, data in published.items():
        (tmp_path / "pairs" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "pairs" / name).write_bytes(data)
    pairs = load_dataset(str(tmp_path / "pairs"), role.value, split="train", cache_dir=str(tmp_path / "cache"))

    tokenizer = byte_tokenizer()
    tiny_qwen2(len(tokenizer)).save_pretrained(tmp_path / "start")  # DPOTrainer loads its reference from there too
    tokenizer.save_pretrained(tmp_path / "start")
    trainer = DPOTrainer(
        model=str(tmp_path / "start"),
        args=DPOConfig(
            output_dir=str(tmp_path / "model"),
            max_steps=2,
            per_device_train_batch_size=2,
            learning_rate=1e-3,
            logging_steps=1,
            save_strategy="no",
            report_to=[],
            use_cpu=True,
            model_init_kwargs={"dtype": "float32"},
            bf16=False,
            gradient_checkpointing=False,
        ),
        train_dataset=pairs,
    )
    before = {name: weight.detach().clone() for name, weight in trainer.model.named_parameters()}
    trained = tokenizer.decode(trainer.train_dataset[1]["prompt_ids"] + trainer.train_dataset[1]["chosen_ids"])
    trainer.train()

    assert trained.rstrip() == "<|user|>What is 1 + 1?<|end|><|assistant|>Add: 2<|end|>"
    assert trainer.state.global_step == 2
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert len(losses) == 2
    assert losses[0] == pytest.approx(math.log(2), abs=1e-4)  # policy and reference are equal at first
    assert losses[1] < losses[0]
    assert any(not torch.equal(before[name], weight) for name, weight in trainer.model.named_parameters())
