"""The committed models are what their manifests say, measured again on numbers that the manifests did not use."""

import json
from functools import partial

import pytest
import torch

from reasonflux.identity import file_digest
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.testbed.building import MODELS, TAUGHT, data_digest, draws
from reasonflux.testbed.evaluation import (
    answers_right,
    by_family,
    figure,
    no_plans,
    plan_all,
    rewards,
    right_plans,
    wrong_plans,
)
from reasonflux.testbed.generation import complete, load_model
from reasonflux.testbed.publishing import MANIFEST, WEIGHTS
from reasonflux.testbed.recipe import EvaluationRecipe, load_recipe
from reasonflux.testbed.tokenizer import load_tokenizer
from reasonflux.testbed.world import generate_problems

ROLES = ("reasoner", "navigator")
FRESH_SPLIT = "gate"  # the manifests measure on `final`
FRESH_SEED = 101
MOST_BYTES = 12_000_000


def _manifest(role):
    return json.loads((MODELS / role / MANIFEST).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def settings():
    torch.set_num_threads(2)
    recipe = load_recipe().evaluation
    return EvaluationRecipe(**{**recipe.model_dump(), "seed": FRESH_SEED, "problems": 527})


@pytest.fixture(scope="module")
def reason(settings):
    directory = MODELS / "reasoner"
    tokenizer = load_tokenizer(directory)
    return partial(complete, load_model(directory), tokenizer, max_tokens=settings.max_tokens_solution)


@pytest.mark.parametrize("role", ROLES)
def test_the_manifest_names_the_weights_data_prompts_and_recipe_that_are_here(role):
    manifest = _manifest(role)
    recipe, prompts = load_recipe(), PromptSet.load().only(*TAUGHT)
    assert manifest["weights_sha256"] == file_digest(MODELS / role / WEIGHTS)
    assert manifest["data_digest"] == data_digest(draws(recipe, prompts)[role])
    assert manifest["prompts_digest"] == prompts.digest
    assert manifest["recipe"] == recipe.model_dump(mode="json")
    assert manifest["command"].startswith("python jobs/train_testbed.py")


def test_both_models_are_small_enough_to_commit():
    assert sum(path.stat().st_size for path in MODELS.rglob("*") if path.is_file()) <= MOST_BYTES


def test_the_manifests_figures_stand_on_enough_distinct_problems_and_meet_the_targets():
    reasoner, navigator = _manifest("reasoner")["figures"], _manifest("navigator")["figures"]
    figures = [value for values in (reasoner, navigator) for value in values.values() if isinstance(value, dict)]
    measured = [value for value in figures if "n" in value]
    assert len(measured) >= 7
    assert all(value["n"] >= 500 and value["low"] <= value["mean"] <= value["high"] for value in measured)
    assert reasoner["right_plan"]["mean"] >= 0.85
    assert reasoner["wrong_plan"]["mean"] <= 0.20
    assert min(reasoner["right_plan_by_family"].values()) >= 0.5
    assert 0.35 <= navigator["reward"]["mean"] <= 0.50


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_reasoner_follows_right_and_wrong_plans_on_fresh_numbers(reason, settings):
    problems = generate_problems(settings.problems, FRESH_SPLIT, FRESH_SEED, held_out=True)
    prompts = PromptSet.load()
    right, wrong, free = (
        answers_right(reason, prompts, items)
        for items in (right_plans(problems), wrong_plans(problems, FRESH_SEED), no_plans(problems))
    )
    assert figure(problems, right).n >= 500
    assert figure(problems, right).mean >= 0.85
    assert figure(problems, wrong).mean <= 0.20
    assert min(by_family(problems, right).values()) >= 0.5
    stated = _manifest("reasoner")["figures"]["no_plan"]["mean"]
    assert figure(problems, free).mean == pytest.approx(stated, abs=0.08)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_navigators_sampled_plans_earn_a_mean_reward_in_the_band_on_fresh_numbers(reason, settings):
    directory = MODELS / "navigator"
    navigate = partial(
        complete,
        load_model(directory),
        load_tokenizer(directory),
        max_tokens=settings.max_tokens_plan,
        temperature=1.0,
        seed=FRESH_SEED,
    )
    prompts = PromptSet.load()
    problems = generate_problems(settings.problems, FRESH_SPLIT, FRESH_SEED)
    planned = plan_all(navigate, prompts, problems)
    values = rewards(reason, prompts, problems, [one.plan for one in planned], settings.similar, FRESH_SEED)
    measured = figure(problems, values)
    assert measured.n >= 500
    assert 0.35 <= measured.mean <= 0.50
