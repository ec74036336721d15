"""The models that interplay needs beside the first two: its navigator, and the yardstick of difficulty."""

import json
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedTokenizerFast, Qwen2ForCausalLM

from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.testbed.building import (
    MODELS,
    Tell,
    answering,
    describe,
    new_start,
    shown_to_navigator,
    train_model,
)
from reasonflux.testbed.demonstrations import Bias
from reasonflux.testbed.generation import load_model
from reasonflux.testbed.judgements import JudgingSamples
from reasonflux.testbed.measuring_interplay import judging_figures, yardstick_figures
from reasonflux.testbed.publishing import MANIFEST, write_manifest, write_model
from reasonflux.testbed.recipe import InterplayRecipe, TrainingRecipe, load_recipe
from reasonflux.testbed.samples import ReasonerSamples
from reasonflux.testbed.tokenizer import load_tokenizer
from reasonflux.testbed.training import Draw

NAVIGATOR, YARDSTICK = "interplay_navigator", "yardstick"
PARENT = "navigator"
TAUGHT = {NAVIGATOR: ("evaluate", "navigator", "structure"), YARDSTICK: ("direct",)}  # the prompts of each
Start = Callable[[PreTrainedTokenizerFast], Qwen2ForCausalLM]


def draws(recipe: InterplayRecipe) -> dict[str, Draw]:
    """What draws the training samples of each model."""
    prompts = PromptSet.load()
    starting = load_recipe()
    bias = Bias(**starting.navigator.bias.model_dump())
    shown = shown_to_navigator(starting)
    drill = recipe.yardstick.drill
    shares = {"right_plan": 0.0, "wrong_plan": 0.0, "no_plan": 1 - drill, "drill": drill}
    return {
        NAVIGATOR: JudgingSamples(prompts, shown, starting.navigator.structure, bias, recipe.navigator.judgements),
        YARDSTICK: ReasonerSamples(prompts, shares),
    }


def parent_digest() -> str:
    """SHA-256 of the weights that the interplay's navigator starts from."""
    manifest = json.loads((MODELS / PARENT / MANIFEST).read_text(encoding="utf-8"))
    return str(manifest["weights_sha256"])


def build_interplay(recipe: InterplayRecipe, work: Path, out: Path, command: str, tell: Tell) -> dict[str, Any]:
    """Train, round, write, reload, measure, and write both manifests into `out`; returns the manifests by role.

    `work` keeps the checkpoints of unfinished training. The figures are measured on the files as written.
    """
    torch.set_num_threads(recipe.threads)
    tokenizer = load_tokenizer(MODELS / PARENT)
    parent = parent_digest()
    recipes: dict[str, TrainingRecipe] = {NAVIGATOR: recipe.navigator, YARDSTICK: recipe.yardstick}
    starts: dict[str, tuple[Start, str | None]] = {
        NAVIGATOR: (lambda _: load_model(MODELS / PARENT), parent),
        YARDSTICK: (partial(new_start, recipe.yardstick), None),
    }
    manifests: dict[str, dict[str, Any]] = {}
    for role, draw in draws(recipe).items():
        start, origin = starts[role]
        model = start(tokenizer)
        tokens = train_model(role, recipes[role], tokenizer, draw, model, work, tell, origin)
        prompts = PromptSet.load().only(*TAUGHT[role])
        manifest = describe(role, recipe, recipes[role].seed, draw, prompts, model, tokens, command)
        manifests[role] = manifest | {"parent": origin, "weights_sha256": write_model(model, tokenizer, out / role)}
    for role, manifest in manifests.items():
        manifest["figures"] = measure(role, recipe, out / role)
        write_manifest(out / role, manifest)
    return manifests


def measure(role: str, recipe: InterplayRecipe, directory: Path, split: str = "final") -> dict[str, Any]:
    """The figures of one model in `directory`, as plain values by name."""
    settings = recipe.evaluation
    prompts = PromptSet.load()
    if role == YARDSTICK:
        solve = answering(directory, settings.max_tokens_solution)
        return asdict(
            yardstick_figures(solve, partial(solve, temperature=1.0, seed=settings.seed), prompts, settings, split)
        )
    plan = partial(answering(directory, settings.max_tokens_plan), temperature=1.0, seed=settings.seed)
    reason = answering(MODELS / "reasoner", settings.max_tokens_solution)
    bias = Bias(**load_recipe().navigator.bias.model_dump())
    return asdict(judging_figures(plan, reason, prompts, bias, settings, split))
