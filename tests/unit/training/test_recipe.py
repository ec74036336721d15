"""The shipped recipes are the published ones: a config cannot drift from its paper unseen."""

from pathlib import Path

import pytest

from reasonflux.configuring import load_config
from reasonflux.errors import BadInput
from reasonflux.training.recipe import TrainingRecipe

CONFIGS = Path(__file__).parents[3] / "jobs" / "configs" / "train"

# Base, stage, learning rate, epochs, cutoff, batch a device, accumulation: arXiv 2502.06772 and its repository.
PUBLISHED = {
    "v1_structure_sft": ("Qwen/Qwen2.5-32B-Instruct", "structure_sft", 2e-5, 3, 2048, 4, 8),
    "f1_sft": ("deepseek-ai/DeepSeek-R1-Distill-Qwen-32B", "trajectory_sft", 1e-5, 5, 16384, 1, 2),
    "v2_proposer_sft": ("Qwen/Qwen3-32B", "trajectory_sft", 1e-5, 5, 16384, 4, 8),
    "v2_proposer_dpo": ("s3://your-bucket/checkpoints/v2_proposer_sft", "dpo", 5e-7, 4, 16384, 4, 8),
    "v2_reasoner_dpo": ("Qwen/Qwen3-32B", "dpo", 5e-7, 1, 16384, 4, 8),
}


def recipe(name: str, *overrides: str) -> TrainingRecipe:
    return load_config(TrainingRecipe, CONFIGS / f"{name}.yaml", list(overrides))


@pytest.mark.parametrize("name", PUBLISHED)
def test_t6_f1b_v4_v5_v6_a_shipped_recipe_has_the_published_numbers(name: str) -> None:
    given = recipe(name)
    numbers = (given.learning_rate, given.epochs, given.cutoff, given.per_device_batch, given.accumulation)
    assert (given.base, given.stage, *numbers) == PUBLISHED[name]
    assert (given.schedule, given.warmup_steps, given.max_grad_norm, given.precision) == ("cosine", 0, 1.0, "bf16")
    assert given.zero is not None
    assert (given.zero.stage, given.zero.offload, given.lora, given.workers.count) == (3, True, None, 8)
    if given.dpo:
        assert (given.dpo.beta, given.dpo.loss, given.dpo.sft_weight) == (0.5, "sigmoid", 0.0)


def test_every_shipped_recipe_is_held_to_the_table() -> None:
    assert {path.stem for path in CONFIGS.glob("*.yaml") if not path.stem.startswith("testbed_")} == PUBLISHED.keys()


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (["dpo=null"], "needs a section dpo"),
        (["stage=trajectory_sft"], "no other stage has one"),
        (["workers.device=cpu"], "set workers.gpus to 0"),
    ],
)
def test_a_recipe_that_contradicts_itself_is_refused(overrides: list[str], told: str) -> None:
    with pytest.raises(BadInput, match=told):
        recipe("v2_proposer_dpo", *overrides)
