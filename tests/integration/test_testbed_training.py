"""Training goes on from a checkpoint as if it had never stopped, and what is written is the rounded model."""

import json
import random

import pytest
import torch
from safetensors.torch import load_file

from reasonflux.testbed.generation import complete, load_model
from reasonflux.testbed.publishing import WEIGHTS, write_model
from reasonflux.testbed.tokenizer import END, load_tokenizer, train_tokenizer
from reasonflux.testbed.training import Schedule, Shape, batches, new_model, train

SHAPE = Shape(width=32, layers=1, heads=2, feed_forward=64)


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(["1+2=3 4+5=9 6 7 8 0 user assistant"] * 4, 300)


def _draw(rng: random.Random):
    a, b = rng.randint(0, 4), rng.randint(0, 4)
    return (f"{a}+{b}=", False), (f"{a + b}{END}", True)


def _schedule(steps):
    return Schedule(steps=steps, decay_from=10, batch=4, learning_rate=1e-2, matrix_learning_rate=1e-2, warm_up=2)


def _weights(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


@pytest.mark.slow
def test_a_stopped_run_ends_with_the_weights_of_an_undisturbed_one(tokenizer, tmp_path):
    def feed(first):
        return batches(tokenizer, _draw, 4, 0, first)

    whole = new_model(SHAPE, tokenizer, 0)
    tokens = train(whole, feed, _schedule(40))

    stopped = new_model(SHAPE, tokenizer, 0)

    def stop(step, loss, rate):
        if step == 25:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(stopped, feed, _schedule(40), checkpoint=tmp_path, every=5, report=stop)
    resumed = new_model(SHAPE, tokenizer, 0)
    assert train(resumed, feed, _schedule(40), checkpoint=tmp_path, every=5) == tokens
    assert torch.equal(_weights(whole), _weights(resumed))


@pytest.mark.slow
def test_training_lowers_the_loss(tokenizer):
    losses = []
    model = new_model(SHAPE, tokenizer, 0)
    schedule = _schedule(120)
    train(
        model,
        lambda first: batches(tokenizer, _draw, 4, 0, first),
        schedule,
        every=40,
        report=lambda step, loss, rate: losses.append(loss),
    )
    assert losses[-1] < 0.6 * losses[0]


def test_the_learning_rate_warms_up_holds_and_falls_to_zero():
    schedule = _schedule(40)
    assert [round(schedule.factor(step), 3) for step in (0, 1, 9, 10, 25, 40)] == [0.5, 1, 1, 1, 0.5, 0]


def test_a_written_model_is_rounded_loads_in_float32_and_completes(tokenizer, tmp_path):
    model = new_model(SHAPE, tokenizer, 0).eval()
    write_model(model, tokenizer, tmp_path)
    assert {tensor.dtype for tensor in load_file(tmp_path / WEIGHTS).values()} == {torch.bfloat16}
    assert json.loads((tmp_path / "config.json").read_text())["dtype"] == "float32"
    loaded = load_model(tmp_path)
    assert torch.equal(_weights(loaded), _weights(model).to(torch.bfloat16).float())
    reloaded = load_tokenizer(tmp_path)
    assert reloaded.chat_template == tokenizer.chat_template
    prompts = ["1+2=", "4+4=", "0+1="]
    together = complete(loaded, reloaded, prompts, max_tokens=4)
    assert together == [complete(loaded, reloaded, [prompt], max_tokens=4)[0] for prompt in prompts]
    sampled = [complete(loaded, reloaded, prompts, max_tokens=8, temperature=1.0, seed=seed) for seed in (1, 1, 2)]
    assert sampled[0] == sampled[1] != sampled[2]
