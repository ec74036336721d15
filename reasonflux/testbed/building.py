"""From a recipe to the two models and their manifests: what `jobs/train_testbed.py` runs, step by step."""

import platform
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedTokenizerFast, Qwen2ForCausalLM

from reasonflux.identity import digest
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.testbed.corpus import corpus
from reasonflux.testbed.demonstrations import Bias, Demonstration, NavigatorSamples, demonstrations
from reasonflux.testbed.generation import complete, load_model
from reasonflux.testbed.library_file import library_text
from reasonflux.testbed.measuring import navigator_figures, reasoner_figures
from reasonflux.testbed.publishing import write_manifest, write_model
from reasonflux.testbed.recipe import ModelRecipe, Recipe
from reasonflux.testbed.samples import ReasonerSamples
from reasonflux.testbed.subjects import FAMILIES
from reasonflux.testbed.tokenizer import load_tokenizer, train_tokenizer
from reasonflux.testbed.training import Draw, Schedule, Shape, batches, new_model, train

MODELS = Path(__file__).parent / "models"
Tell = Callable[[str], None]


def data_digest() -> str:
    """Digest of everything the training data is made of: templates, families with wordings, plans and numbers."""
    families = [
        [f.name, list(f.phrasings), list(f.plan), list(f.tempting), [dict(numbers) for numbers in f.numbers()]]
        for f in FAMILIES.values()
    ]
    return digest(library_text(), families)


def make_tokenizer(recipe: Recipe, prompts: PromptSet) -> PreTrainedTokenizerFast:
    """The tokenizer that both models share."""
    texts = corpus(prompts, recipe.tokenizer.seed, recipe.tokenizer.problems)
    return train_tokenizer(texts, recipe.tokenizer.vocabulary)


def shown_to_navigator(recipe: Recipe) -> list[Demonstration]:
    """The demonstrations of the recipe's navigator."""
    bias = Bias(**recipe.navigator.bias.model_dump())
    return demonstrations(recipe.navigator.demonstrations, bias, recipe.navigator.seed)


def train_model(
    recipe: ModelRecipe, tokenizer: PreTrainedTokenizerFast, draw: Draw, checkpoint: Path, tell: Tell
) -> tuple[Qwen2ForCausalLM, int]:
    """One model from random weights, or from its checkpoint; returns it and the tokens it saw."""
    shape = Shape(width=recipe.width, layers=recipe.layers, heads=recipe.heads, feed_forward=recipe.feed_forward)
    schedule = Schedule(
        steps=recipe.steps,
        decay_from=recipe.decay_from,
        batch=recipe.batch,
        learning_rate=recipe.learning_rate,
        matrix_learning_rate=recipe.matrix_learning_rate,
    )
    model = new_model(shape, tokenizer, recipe.seed)

    def feed(first: int) -> Any:
        return batches(tokenizer, draw, recipe.batch, recipe.seed, first)

    def report(step: int, loss: float, rate: float) -> None:
        tell(f"{checkpoint.name}: step {step} of {recipe.steps}, loss {loss:.4f}, {rate:.0f} tokens/s")

    tokens = train(model, feed, schedule, checkpoint=checkpoint, report=report)
    return model.eval(), tokens


def build(recipe: Recipe, work: Path, out: Path, command: str, tell: Tell) -> dict[str, Any]:
    """Train, round, write, reload, measure, and write both manifests into `out`; returns the manifests by role.

    `work` keeps the checkpoints of unfinished training; a second call goes on from there. The figures are measured on
    the files as written.
    """
    torch.set_num_threads(recipe.threads)
    prompts = PromptSet.load()
    tokenizer = make_tokenizer(recipe, prompts)
    draws: dict[str, tuple[ModelRecipe, Draw]] = {
        "reasoner": (recipe.reasoner, ReasonerSamples(prompts, recipe.reasoner.shares)),
        "navigator": (
            recipe.navigator,
            NavigatorSamples(prompts, shown_to_navigator(recipe), recipe.navigator.structure),
        ),
    }
    manifests: dict[str, dict[str, Any]] = {}
    for role, (model_recipe, draw) in draws.items():
        started = time.monotonic()
        model, tokens = train_model(model_recipe, tokenizer, draw, work / role, tell)
        manifests[role] = {
            "role": role,
            "weights_sha256": write_model(model, tokenizer, out / role),
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            "seed": model_recipe.seed,
            "tokens": tokens,
            "data_digest": data_digest(),
            "prompts_digest": prompts.digest,
            "recipe": recipe.model_dump(mode="json"),
            "command": command,
            "versions": {name: version(name) for name in ("torch", "transformers", "tokenizers", "safetensors")},
            "machine": f"{platform.machine()}, {recipe.threads} CPU thread(s)",
            "date": time.strftime("%Y-%m-%d", time.gmtime()),
        }
        tell(f"{role}: written after {time.monotonic() - started:.0f} s in this run")
    for role, figures in measure(recipe, prompts, out).items():
        manifests[role]["figures"] = figures
        write_manifest(out / role, manifests[role])
    return manifests


def measure(recipe: Recipe, prompts: PromptSet, directory: Path, split: str = "final") -> dict[str, dict[str, Any]]:
    """The figures of both models in `directory`, as plain values by role and name."""
    tokenizer = load_tokenizer(directory / "reasoner")
    settings = recipe.evaluation
    reason = partial(complete, load_model(directory / "reasoner"), tokenizer, max_tokens=settings.max_tokens_solution)
    navigate = partial(complete, load_model(directory / "navigator"), tokenizer, max_tokens=settings.max_tokens_plan)
    sample = partial(navigate, temperature=1.0, seed=settings.seed)
    return {
        "reasoner": asdict(reasoner_figures(reason, prompts, settings, split)),
        "navigator": asdict(navigator_figures(sample, navigate, reason, prompts, settings, split)),
    }
