"""A second, smaller reasoner: what a plan is worth is measured on more than one base model."""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch

from reasonflux.identity import file_digest
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.testbed.building import MODELS, answering, describe, train_model
from reasonflux.testbed.generation import load_model
from reasonflux.testbed.measuring import reasoner_figures
from reasonflux.testbed.publishing import WEIGHTS, write_manifest, write_model
from reasonflux.testbed.recipe import SmallRecipe
from reasonflux.testbed.samples import ReasonerSamples
from reasonflux.testbed.tokenizer import load_tokenizer
from reasonflux.testbed.training import Draw

NAME = "small_reasoner"
TAUGHT = ("direct", "reasoner")  # the prompts that it is trained on
PARENT = "yardstick"


def draw_of(recipe: SmallRecipe) -> Draw:
    """What draws its training samples."""
    return ReasonerSamples(PromptSet.load(), recipe.reasoner.shares.model_dump())


def build_small(
    recipe: SmallRecipe, work: Path, out: Path, command: str, tell: Callable[[str], None]
) -> dict[str, Any]:
    """Train, round, write, reload, measure, and write the manifest into `out`; returns it by the model's name."""
    torch.set_num_threads(recipe.threads)
    tokenizer, model = load_tokenizer(MODELS / PARENT), load_model(MODELS / PARENT)
    draw, parent = draw_of(recipe), file_digest(MODELS / PARENT / WEIGHTS)
    tokens = train_model(NAME, recipe.reasoner, tokenizer, draw, model, work, tell, parent)
    prompts = PromptSet.load().only(*TAUGHT)
    manifest = describe(NAME, recipe, recipe.reasoner.seed, draw, prompts, model, tokens, command)
    manifest |= {"parent": parent, "weights_sha256": write_model(model, tokenizer, out / NAME)}
    manifest["figures"] = measure(recipe, out / NAME)
    write_manifest(out / NAME, manifest)
    return {NAME: manifest}


def measure(recipe: SmallRecipe, directory: Path, split: str = "final") -> dict[str, Any]:
    """The figures of the model in `directory`, as plain values by name."""
    settings = recipe.evaluation
    reason = answering(directory, settings.max_tokens_solution)
    sample = partial(reason, temperature=1.0, seed=settings.seed)
    return asdict(reasoner_figures(reason, sample, PromptSet.load(), settings, split))
