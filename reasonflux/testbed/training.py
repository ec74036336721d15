"""Training of the testbed's models from scratch: Qwen2 shapes, Muon for matrices and AdamW for the rest.

A step's batch follows from the seed and the step's number alone, so a run that is resumed sees what it would have seen.
"""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch.nn.functional import cross_entropy
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from reasonflux.testbed.samples import Sample
from reasonflux.testbed.tokenizer import CONTEXT

Draw = Callable[[random.Random], Sample]
IGNORED = -100
POOL = 16  # batches drawn together and sorted by length


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Size of a Qwen2 model."""

    width: int
    layers: int
    heads: int
    feed_forward: int


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Constant learning rate after a warm-up until step `decay_from`, then linearly to zero at `steps`."""

    steps: int
    decay_from: int
    batch: int  # samples
    learning_rate: float  # AdamW: embeddings, norms, biases
    matrix_learning_rate: float  # Muon
    warm_up: int = 50
    weight_decay: float = 0.05

    def factor(self, step: int) -> float:
        """What the learning rates are multiplied with at a step, counted from 0."""
        warm = min(1.0, (step + 1) / self.warm_up)
        return warm * min(1.0, (self.steps - step) / (self.steps - self.decay_from))


def new_model(shape: Shape, tokenizer: PreTrainedTokenizerFast, seed: int) -> Qwen2ForCausalLM:
    """A model with random weights that follow from the seed."""
    torch.manual_seed(seed)
    return Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=len(tokenizer),
            hidden_size=shape.width,
            intermediate_size=shape.feed_forward,
            num_hidden_layers=shape.layers,
            num_attention_heads=shape.heads,
            num_key_value_heads=shape.heads,
            max_position_embeddings=CONTEXT,
            bos_token_id=tokenizer.eos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            tie_word_embeddings=True,
        )
    )


def encode(tokenizer: PreTrainedTokenizerFast, sample: Sample) -> tuple[list[int], list[int]]:
    """Token ids and labels; what is not learnt has the label that the loss ignores."""
    ids: list[int] = []
    labels: list[int] = []
    pieces = tokenizer([text for text, _ in sample], add_special_tokens=False)["input_ids"]
    for (_, learnt), piece in zip(sample, pieces, strict=True):
        ids += piece
        labels += piece if learnt else [IGNORED] * len(piece)
    return ids[:CONTEXT], labels[:CONTEXT]


def batches(
    tokenizer: PreTrainedTokenizerFast, draw: Draw, batch: int, seed: int, first: int = 0
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Batches of similar length without end, from step `first` on: ids and labels, each (batch, length) int64."""
    pool, skip = divmod(first, POOL)
    while True:
        rng = random.Random(f"batches {seed} {pool}")
        rows = sorted((encode(tokenizer, draw(rng)) for _ in range(batch * POOL)), key=lambda row: len(row[0]))
        groups = [rows[start : start + batch] for start in range(0, len(rows), batch)]
        rng.shuffle(groups)
        for group in groups[skip:]:
            length = max(len(ids) for ids, _ in group)
            pad = tokenizer.pad_token_id
            yield (
                torch.tensor([ids + [pad] * (length - len(ids)) for ids, _ in group]),
                torch.tensor([labels + [IGNORED] * (length - len(labels)) for _, labels in group]),
            )
        pool, skip = pool + 1, 0


def loss_of(model: Qwen2ForCausalLM, ids: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean cross entropy in nats over the learnt positions; only these go through the output layer."""
    hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state[:, :-1]
    following = labels[:, 1:]
    learnt = following != IGNORED
    return cross_entropy(model.lm_head(hidden[learnt]).float(), following[learnt])


def optimizers_for(model: Qwen2ForCausalLM, schedule: Schedule) -> list[torch.optim.Optimizer]:
    """Muon for the weight matrices of the layers, AdamW for everything else."""
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed" not in name]
    chosen = {id(p) for p in matrices}
    rest = [p for p in model.parameters() if id(p) not in chosen]
    return [
        torch.optim.Muon(
            matrices,
            lr=schedule.matrix_learning_rate,
            weight_decay=schedule.weight_decay,
            momentum=0.95,
            nesterov=True,
            adjust_lr_fn="match_rms_adamw",
        ),
        torch.optim.AdamW(rest, lr=schedule.learning_rate, betas=(0.9, 0.98), weight_decay=0.0),
    ]


def train(
    model: Qwen2ForCausalLM,
    feed: Callable[[int], Iterator[tuple[torch.Tensor, torch.Tensor]]],
    schedule: Schedule,
    *,
    checkpoint: Path | None = None,
    every: int = 100,
    report: Callable[[int, float, float], None] = lambda step, loss, rate: None,
) -> int:
    """Train in place, in float32; returns the tokens seen, padding included.

    `feed(first)` gives the batches from a step on. With `checkpoint`, a directory, the state is saved every `every`
    steps and an unfinished run goes on from there. `report` gets the step, the mean loss since the last report (nats
    a token) and the tokens per second.
    """
    optimizers = optimizers_for(model, schedule)
    bases = [[group["lr"] for group in optimizer.param_groups] for optimizer in optimizers]
    first, tokens = _resume(model, optimizers, checkpoint) if checkpoint else (0, 0)
    model.train()
    losses: list[float] = []
    seen, started = 0, time.monotonic()
    for step, (ids, labels) in zip(range(first, schedule.steps), feed(first), strict=False):
        for optimizer, rates in zip(optimizers, bases, strict=True):
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * schedule.factor(step)
        loss = loss_of(model, ids, labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
        seen += ids.numel()
        if (step + 1) % every == 0 or step + 1 == schedule.steps:
            report(step + 1, sum(losses) / len(losses), seen / (time.monotonic() - started))
            losses.clear()
            if checkpoint:
                _save(model, optimizers, checkpoint, step + 1, tokens + seen)
    return tokens + seen


def _state(model: Qwen2ForCausalLM, optimizers: list[torch.optim.Optimizer]) -> dict[str, torch.Tensor]:
    """Weights and optimizer states under flat names."""
    tensors = {f"model/{name}": parameter.data for name, parameter in model.named_parameters()}
    for number, optimizer in enumerate(optimizers):
        for index, values in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer/{number}/{index}/{key}": value for key, value in values.items()}
    return tensors


def _save(
    model: Qwen2ForCausalLM, optimizers: list[torch.optim.Optimizer], directory: Path, step: int, tokens: int
) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    partial = directory / "state.partial"
    save_file(_state(model, optimizers), partial, metadata={"step": str(step), "tokens": str(tokens)})
    partial.replace(directory / "state.safetensors")


def _resume(model: Qwen2ForCausalLM, optimizers: list[torch.optim.Optimizer], directory: Path) -> tuple[int, int]:
    """Load the state saved in `directory`, if any; returns the next step and the tokens seen."""
    path = directory / "state.safetensors"
    if not path.exists():
        return 0, 0
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    tensors = load_file(path)
    for name, parameter in model.named_parameters():
        parameter.data.copy_(tensors[f"model/{name}"])
    for number, optimizer in enumerate(optimizers):
        state: dict[int, dict[str, torch.Tensor]] = {}
        for name, tensor in tensors.items():
            kind, *rest = name.split("/")
            if kind == "optimizer" and int(rest[0]) == number:
                state.setdefault(int(rest[1]), {})[rest[2]] = tensor
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    return int(metadata["step"]), int(metadata["tokens"])
