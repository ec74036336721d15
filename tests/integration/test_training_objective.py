"""What TRL is asked for is Eq. 4 of arXiv 2502.06772 and a weight in nats a token; reckoned here by hand."""

from pathlib import Path
from typing import Any

import pytest
import torch

from reasonflux.configuring import resolve_model
from reasonflux.training import reference
from reasonflux.training.data import REFERENCE, REFERENCE_OF
from reasonflux.training.recipe import TrainingRecipe
from reasonflux.training.trainer import build_trainer

BASE = Path(resolve_model("testbed:navigator"))
BETA = 0.3
NATS = 1e-4  # tolerance of sums of log-probabilities, float32
ROWS = [
    {
        "prompt": [{"role": "user", "content": f"Plan {number}."}],
        "chosen": [{"role": "assistant", "content": "1. add " * (1 + 5 * (number % 3))}],
        "rejected": [{"role": "assistant", "content": "1. halve " * (1 + number % 2)}],
    }
    for number in range(12)
]


def recipe(**dpo: Any) -> TrainingRecipe:
    values: dict[str, Any] = {
        "name": "objective",
        "stage": "dpo",
        "role": "navigator",
        "base": str(BASE),
        "data": "rows",
        "cutoff": 128,
        "learning_rate": 1e-3,
        "per_device_batch": 6,
        "accumulation": 1,
        "precision": "float32",
        "gradient_checkpointing": False,
        "dpo": {"beta": BETA, **dpo},
        "report_to": "none",
        "log_steps": 1,
        "workers": {"count": 1, "gpus": 0, "device": "cpu"},
    }
    return TrainingRecipe.model_validate(values)


def log_probabilities(model: Any, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Of every token of an answer, and which those are; chosen answers come first."""
    with torch.no_grad():
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits[:, :-1]
    found = torch.log_softmax(logits.float(), -1).gather(-1, batch["input_ids"][:, 1:, None])[..., 0]
    mask = batch["completion_mask"][:, 1:].bool()
    return found * mask, mask


def first_batch(trainer: Any) -> dict[str, torch.Tensor]:
    trainer.model.train()
    return dict(next(iter(trainer.get_train_dataloader())))


def test_nothing_is_learnt_that_the_chat_template_writes_after_the_end_token(tmp_path: Path) -> None:
    trainer = build_trainer(recipe(), BASE, ROWS, tmp_path / "dpo")
    end = trainer.processing_class.eos_token_id
    written = trainer.processing_class.apply_chat_template(ROWS[0]["prompt"] + ROWS[0]["chosen"])["input_ids"]
    assert end in written and written[-1] != end  # else there would be nothing to leave out
    assert {row[side][-1] for row in trainer.train_dataset for side in ("chosen_ids", "rejected_ids")} == {end}
    tuned = TrainingRecipe.model_validate(recipe().model_dump() | {"stage": "trajectory_sft", "dpo": None})
    rows = [{"prompt": row["prompt"], "completion": row["chosen"]} for row in ROWS]
    trainer = build_trainer(tuned, BASE, rows, tmp_path / "sft")
    assert {row[side][-1] for row in trainer.train_dataset for side in ("input_ids", "labels")} == {end}
    assert all(len(row["input_ids"]) == len(row["labels"]) for row in trainer.train_dataset)


def test_the_sft_weight_is_a_mean_over_all_tokens_of_the_chosen(tmp_path: Path) -> None:
    trainer = build_trainer(recipe(dpo_weight=0, sft_weight=2.0), BASE, ROWS, tmp_path)
    batch = first_batch(trainer)
    found, mask = log_probabilities(trainer.model, batch)
    chosen, tokens = found[:6], mask[:6]
    over_tokens = -chosen.sum() / tokens.sum()
    over_answers = -(chosen.sum(1) / tokens.sum(1)).mean()
    loss = trainer.compute_loss(trainer.model, batch).item()
    assert loss == pytest.approx(2.0 * over_tokens.item(), abs=1e-5)
    assert abs(over_tokens - over_answers) > 0.01  # else this would not tell them apart


def test_t5_the_loss_is_eq_4_plus_the_weighted_likelihood_of_the_chosen(tmp_path: Path) -> None:
    trainer = build_trainer(recipe(sft_weight=0.5), BASE, ROWS, tmp_path)
    batch = first_batch(trainer)
    start, mask = log_probabilities(trainer.ref_model, batch)
    with torch.no_grad():
        for weight in trainer.model.parameters():
            weight += 0.02 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(1))
    found, _ = log_probabilities(trainer.model, batch)
    gain = (found - start).sum(1)
    eq4 = -torch.nn.functional.logsigmoid(BETA * (gain[:6] - gain[6:])).mean()
    likelihood = -found[:6].sum() / mask[:6].sum()
    assert abs(eq4.item() - 0.693) > 0.01
    loss = trainer.compute_loss(trainer.model, batch).item()
    assert loss == pytest.approx((eq4 + 0.5 * likelihood).item(), abs=NATS)


def test_stored_log_probabilities_train_like_a_second_model_that_is_not_there(tmp_path: Path) -> None:
    two_models = build_trainer(recipe(), BASE, ROWS, tmp_path / "two")
    assert two_models.ref_model is not None
    two_models.train()
    storing = build_trainer(recipe(stored_reference=True), BASE, ROWS, tmp_path / "storing")
    assert storing.ref_model is None
    rows = reference.with_columns(ROWS, reference.store(storing), "digest")
    assert {row[REFERENCE_OF] for row in rows} == {"digest"}
    again = build_trainer(recipe(stored_reference=True), BASE, rows, tmp_path / "again")
    batch = first_batch(again)
    start, _ = log_probabilities(again.model, batch)
    stored = torch.cat([batch[name] for name in REFERENCE])
    assert torch.allclose(stored, start.sum(1), atol=NATS)
    again.train()
    for before, after in zip(two_models.state.log_history, again.state.log_history, strict=True):
        for name in ("loss", "rewards/margins", "logps/chosen"):
            assert after.get(name) == pytest.approx(before.get(name), abs=NATS)
    assert len(two_models.state.log_history) > 2
