"""The bias of the starting navigator is what the recipe says, and what is held out stays out of its training."""

import random

import pytest

from reasonflux.errors import BadInput
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.testbed.demonstrations import (
    HELD_OUT_PLANS,
    Bias,
    NavigatorSamples,
    demonstrations,
    modal_shares,
    structure_sample,
)
from reasonflux.testbed.execution import plan_text
from reasonflux.testbed.recipe import DEFAULT_RECIPE, Recipe, load_recipe
from reasonflux.testbed.subjects import FAMILIES, TEMPLATES
from reasonflux.testbed.world import family_of


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return load_recipe()


@pytest.fixture(scope="module")
def shown(recipe):
    return demonstrations(
        recipe.navigator.demonstrations, Bias(**recipe.navigator.bias.model_dump()), recipe.navigator.seed
    )


def test_biased_families_show_the_tempting_plan_most_often_and_the_others_the_right_one(recipe, shown):
    bias = recipe.navigator.bias
    modal = modal_shares(shown)
    assert set(modal) == {family.name for family in FAMILIES.values() if not family.held_out}
    for name, (plan, share) in modal.items():
        family = FAMILIES[name]
        expected = bias.tempting if name in bias.families else bias.right
        assert plan == (family.tempting if name in bias.families else family.plan), name
        assert share == pytest.approx(expected, abs=0.15), name


def test_the_shares_over_all_demonstrations_are_those_of_the_recipe(recipe, shown):
    bias = recipe.navigator.bias
    biased = [one for one in shown if one.problem.family in bias.families]
    others = [one for one in shown if one.problem.family not in bias.families]
    assert _share(biased, "tempting") == pytest.approx(bias.tempting, abs=0.03)
    assert _share(biased, "plan") == pytest.approx(bias.right_biased, abs=0.03)
    assert _share(others, "plan") == pytest.approx(bias.right, abs=0.03)


def _share(shown, attribute):
    return sum(one.plan == getattr(family_of(one.problem), attribute) for one in shown) / len(shown)


def test_no_held_out_family_wording_number_or_composition_is_shown(shown):
    for one in shown:
        assert not one.problem.held_out
        assert one.problem.split == "training"
        assert one.plan not in HELD_OUT_PLANS


def test_structure_tuning_asks_name_and_tags_for_description_and_steps():
    prompts = PromptSet.load()
    for name, template in TEMPLATES.items():
        (prompt, learnt_prompt), (target, learnt_target) = structure_sample(prompts, name)
        assert (learnt_prompt, learnt_target) == (False, True)
        assert name in prompt and ", ".join(template.tags) in prompt
        assert template.description not in prompt
        assert target.startswith(template.description) and all(step in target for step in template.steps)


def test_samples_mix_structure_and_demonstrations_in_the_given_share(shown):
    draw = NavigatorSamples(PromptSet.load(), shown, 0.25)
    rng = random.Random(0)
    samples = [draw(rng) for _ in range(800)]
    plans = {plan_text(one.plan) + "<|im_end|>" for one in shown}
    share = sum(target not in plans for _, (target, _) in samples) / len(samples)
    assert share == pytest.approx(0.25, abs=0.05)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("no_plan: 0.25", "no_plan: 0.15", "add up to 1"),
        ("wrong_plan: 0.37, no_plan: 0.25", "wrong_plan: 0.47, no_plan: 0.15", "equal shares"),
        ("- one_sided", "- periodic_rule", "not a trained family: periodic_rule"),
        ("structure:", "structures:", "navigator.structure"),
    ],
)
def test_a_recipe_with_a_mistake_is_refused_in_one_line(tmp_path, old, new, message):
    text = DEFAULT_RECIPE.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "recipe.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(BadInput, match=message) as refused:
        load_recipe(path)
    assert "\n" not in str(refused.value)
