"""From a recipe to the two models and their manifests: what `jobs/train_testbed.py` runs, step by step."""

import platform
import random
import shutil
import time
from collections.abc import Callable, Collection, Iterator
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
from reasonflux.testbed.measuring import navigator_figures, reasoner_figures
from reasonflux.testbed.publishing import write_manifest, write_model
from reasonflux.testbed.recipe import InterplayRecipe, ModelRecipe, Recipe, SmallRecipe, TrainingRecipe
from reasonflux.testbed.samples import ReasonerSamples
from reasonflux.testbed.tokenizer import load_tokenizer, train_tokenizer
from reasonflux.testbed.training import Draw, Schedule, Shape, batches, new_model, train

TAUGHT = ("direct", "navigator", "reasoner", "structure")  # the prompts that the two models are trained on
ROLES = ("reasoner", "navigator")
MODELS = Path(__file__).parent / "models"
DIGESTED_SAMPLES = 500
SAVED_EVERY = 50  # steps
MEASURED_AT_ONCE = 256  # prompts a batch; the manifests' sampled figures depend on it
PACKAGES = ("torch", "transformers", "tokenizers", "safetensors")
Tell = Callable[[str], None]


def data_digest(draw: Draw) -> str:
    """Digest of the first samples that `draw` gives: any change of world, wording, mistakes or prompts changes it."""
    rng = random.Random("digest")
    return digest([[[text, learnt] for text, learnt in draw(rng)] for _ in range(DIGESTED_SAMPLES)])


def make_tokenizer(recipe: Recipe, prompts: PromptSet) -> PreTrainedTokenizerFast:
    """The tokenizer that both models share."""
    texts = corpus(prompts, recipe.tokenizer.seed, recipe.tokenizer.problems)
    return train_tokenizer(texts, recipe.tokenizer.vocabulary)


def shown_to_navigator(recipe: Recipe) -> list[Demonstration]:
    """The demonstrations of the recipe's navigator."""
    bias = Bias(**recipe.navigator.bias.model_dump())
    return demonstrations(recipe.navigator.demonstrations, bias, recipe.navigator.seed)


def draws(recipe: Recipe, prompts: PromptSet) -> dict[str, Draw]:
    """What draws the training samples of each role."""
    return {
        "reasoner": ReasonerSamples(prompts, recipe.reasoner.shares.model_dump()),
        "navigator": NavigatorSamples(prompts, shown_to_navigator(recipe), recipe.navigator.structure),
    }


def new_start(recipe: ModelRecipe, tokenizer: PreTrainedTokenizerFast) -> Qwen2ForCausalLM:
    """The random weights from which a recipe's training starts."""
    shape = Shape(width=recipe.width, layers=recipe.layers, heads=recipe.heads, feed_forward=recipe.feed_forward)
    return new_model(shape, tokenizer, recipe.seed)


def train_model(
    role: str,
    recipe: TrainingRecipe,
    tokenizer: PreTrainedTokenizerFast,
    draw: Draw,
    model: Qwen2ForCausalLM,
    work: Path,
    tell: Tell,
    parent: str | None = None,
) -> int:
    """Train `model` in place from where it stands; returns the tokens it saw.

    A run that was stopped goes on from its checkpoint below `work`, whose name holds a digest of recipe, tokenizer,
    data and `parent`, the digest of the weights that the model starts with where these are not the recipe's own, so
    that nothing is resumed that began otherwise.
    """
    parts = [recipe.model_dump(mode="json"), tokenizer.backend_tokenizer.to_str(), data_digest(draw)]
    origin = digest(*parts, *([parent] if parent else []))
    schedule = Schedule(
        steps=recipe.steps,
        decay_from=recipe.decay_from,
        batch=recipe.batch,
        learning_rate=recipe.learning_rate,
        matrix_learning_rate=recipe.matrix_learning_rate,
    )

    def feed(first: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        return batches(tokenizer, draw, recipe.batch, recipe.seed, first)

    def report(step: int, loss: float, rate: float) -> None:
        tell(f"{role}: step {step} of {recipe.steps}, loss {loss:.4f}, {rate:.0f} tokens/s")

    tokens = train(model, feed, schedule, checkpoint=work / f"{role}-{origin[:12]}", every=SAVED_EVERY, report=report)
    model.eval()
    return tokens


def describe(
    role: str,
    recipe: Recipe | InterplayRecipe | SmallRecipe,
    seed: int,
    draw: Draw,
    prompts: PromptSet,
    model: Qwen2ForCausalLM,
    tokens: int,
    command: str,
) -> dict[str, Any]:
    """What a manifest says of a model's origin."""
    return {
        "role": role,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "tokens": tokens,
        "seed": seed,
        "data_digest": data_digest(draw),
        "prompts_digest": prompts.digest,
        "command": command,
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "machine": f"{platform.machine()}, {recipe.threads} CPU thread(s)",
        "versions": {name: version(name) for name in PACKAGES},
        "recipe": recipe.model_dump(mode="json"),
    }


def build(
    recipe: Recipe, work: Path, out: Path, command: str, tell: Tell, roles: Collection[str] = ROLES
) -> dict[str, Any]:
    """Train, round, write, reload, measure, and write the manifests into `out`; returns them by role.

    `work` keeps the checkpoints of unfinished training. The figures are measured on the files as written. A role that
    is not among `roles` is not trained: the committed model is copied to `out`.
    """
    torch.set_num_threads(recipe.threads)
    prompts = PromptSet.load().only(*TAUGHT)
    tokenizer = make_tokenizer(recipe, prompts)
    recipes: dict[str, ModelRecipe] = {"reasoner": recipe.reasoner, "navigator": recipe.navigator}
    manifests: dict[str, dict[str, Any]] = {}
    for role, draw in draws(recipe, prompts).items():
        if role not in roles:
            shutil.copytree(MODELS / role, out / role, dirs_exist_ok=True)
            continue
        model = new_start(recipes[role], tokenizer)
        tokens = train_model(role, recipes[role], tokenizer, draw, model, work, tell)
        origin = describe(role, recipe, recipes[role].seed, draw, prompts, model, tokens, command)
        manifests[role] = origin | {"weights_sha256": write_model(model, tokenizer, out / role)}
    figures = measure(recipe, prompts, out)
    for role, manifest in manifests.items():
        manifest["figures"] = figures[role]
        write_manifest(out / role, manifest)
    return manifests


def answering(directory: Path, max_tokens: int) -> "partial[list[str]]":
    """`complete` by the model in a directory, as the manifests' figures are measured."""
    model, tokenizer = load_model(directory), load_tokenizer(directory)
    return partial(complete, model, tokenizer, max_tokens=max_tokens, batch=MEASURED_AT_ONCE)


def measure(recipe: Recipe, prompts: PromptSet, directory: Path, split: str = "final") -> dict[str, dict[str, Any]]:
    """The figures of both models in `directory`, as plain values by role and name."""
    settings = recipe.evaluation
    reason = answering(directory / "reasoner", settings.max_tokens_solution)
    navigate = answering(directory / "navigator", settings.max_tokens_plan)
    warm = {"temperature": 1.0, "seed": settings.seed}
    return {
        "reasoner": asdict(reasoner_figures(reason, partial(reason, **warm), prompts, settings, split)),
        "navigator": asdict(navigator_figures(partial(navigate, **warm), navigate, reason, prompts, settings, split)),
    }
