"""A training on a described cluster, against arithmetic done by hand for Qwen2.5-32B."""

import json
from typing import Any

import pytest

from reasonflux.clusters import load_cluster
from reasonflux.errors import BadInput
from reasonflux.planning import Weights
from reasonflux.training.placing import TrainingPlan, plan_training
from reasonflux.training.recipe import TrainingRecipe
from tests.unit.test_cluster_plan import QWEN_32B

GIB = 2**30
WEIGHTS = Weights(
    bytes=0,
    local=False,
    loaded=65_527_752_704,  # 32,763,876,352 × 2
    config=QWEN_32B | {"vocab_size": 152_064, "intermediate_size": 27_648},
)
STATES = 32_763_876_352 / GIB  # GiB for each byte of a parameter
LARGEST = 4 * 152_064 * 5120 / GIB  # the embedding, gathered whole


def recipe(**settings: Any) -> TrainingRecipe:
    given = {"name": "r", "stage": "trajectory_sft", "role": "navigator", "base": "b", "data": "d", "cutoff": 4096}
    given |= {"learning_rate": 1e-5, "per_device_batch": 1, "workers": {"count": 8, "gpus": 1}}
    return TrainingRecipe.model_validate(given | settings)


def planned(cluster: str = "a100-64", tokens: int = 0, **settings: Any) -> TrainingPlan:
    return plan_training(load_cluster(cluster), recipe(**settings), WEIGHTS, tokens)


def refused(cluster: str, **settings: Any) -> str:
    with pytest.raises(BadInput) as caught:
        planned(cluster, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("zero", "workers", "device", "host"),
    [  # bytes a parameter, of each worker
        ({"stage": 3, "offload": False}, 16, 18 / 16, 0),
        ({"stage": 3, "offload": True}, 8, 0, 18 / 8),
        ({"stage": 2, "offload": True}, 16, 2, 16 / 16),
    ],
)
def test_weights_gradients_and_optimizer_are_shared_as_deepspeed_shares_them(
    zero: dict[str, Any], workers: int, device: float, host: float
) -> None:
    plan = planned(zero=zero, workers={"count": workers, "gpus": 1})
    assert plan.held is not None
    gathered = LARGEST if zero["stage"] == 3 else 0
    assert (plan.held.device, plan.held.host) == pytest.approx((device * STATES + gathered, host * STATES))


def test_a_reference_model_lies_beside_and_is_not_there_for_stored_ones_and_adapters() -> None:
    offloaded: dict[str, Any] = {"zero": {"stage": 3, "offload": True}, "stage": "dpo"}
    host = {
        name: planned(**offloaded, **more).held
        for name, more in (
            ("asked", {"dpo": {}}),
            ("stored", {"dpo": {"stored_reference": True}}),
            ("lora", {"dpo": {}, "lora": {}}),
        )
    }
    assert {name: held and held.host for name, held in host.items()} == pytest.approx(
        {"asked": 20 / 8 * STATES, "stored": 18 / 8 * STATES, "lora": 2 / 8 * STATES}
    )


def test_hours_are_operations_and_dollars_the_hours() -> None:
    plan = planned(tokens=10**8, zero={"stage": 3, "offload": True})
    seconds = 8 * 32_763_876_352 * 1e8 / (8 * 312e12 * 0.5)  # forward, backward, and forward again
    assert plan.hours == pytest.approx(seconds / 3600)
    assert plan.dollars == pytest.approx(seconds / 3600 * (8 * 27.5 + 4 * 1.5))
    told = "\n".join(plan.words())
    assert "training r: 8 worker(s), each 1 GPU + 1 CPU; 8 on p4de.24xlarge#0" in told
    assert "tokens: about 100,000,000" in told and "dollars" in told
    assert json.loads(json.dumps(plan.to_json(), allow_nan=False))["assumptions"]


def test_a_batch_that_may_be_too_long_is_told_and_not_refused() -> None:
    shape: dict[str, Any] = {"zero": {"stage": 3, "offload": True}, "cutoff": 16_384, "per_device_batch": 4}
    kept = 2 * 64 * 5120 * 4 * 16_384 / GIB  # 40 GiB
    assert f"keeps {2 * kept:.1f} GiB" in "\n".join(planned(**shape, stage="dpo", dpo={}).words())
    assert "lower per_device_batch" not in "\n".join(planned(**shape).words())


@pytest.mark.parametrize(
    ("cluster", "settings", "what", "remedy"),
    [
        (
            "a100-8",
            {},
            "488.2 GiB of each worker's GPU",
            "What would fit: zero={stage: 3, offload: false} or zero={stage: 2, offload: true}",
        ),
        (
            "a100-64",
            {"zero": {"stage": 3, "offload": False}, "workers": {"count": 7, "gpus": 1}},
            "81.4 GiB of each worker's GPU",
            "zero={stage: 2, offload: true}",
        ),
        ("a100-8", {"workers": {"count": 9, "gpus": 1}}, "9 worker(s) of 1 GPU + 1 CPU do not fit", "workers.count=8"),
        ("cpu-dev", {}, "8 worker(s) of 1 GPU + 1 CPU do not fit on cpu-dev, 0 would", "device: cpu"),
        (
            "cpu-dev",
            {"workers": {"count": 2, "gpus": 0, "device": "cpu"}},
            "does not fit on cpu-dev",
            "Name a cluster with more memory",
        ),
    ],
)
def test_what_cannot_fit_is_refused_with_what_would(
    cluster: str, settings: dict[str, Any], what: str, remedy: str
) -> None:
    told = refused(cluster, **settings)
    assert what in told and remedy in told


def test_a_base_that_says_too_little_is_placed_and_its_memory_is_left_open() -> None:
    plan = plan_training(load_cluster("a100-8"), recipe(), Weights(bytes=1, local=True))
    assert plan.held is None and "memory not checked" in "\n".join(plan.place())
