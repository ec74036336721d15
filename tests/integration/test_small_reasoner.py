"""The second reasoner is what its manifest says, and follows plans, right or wrong, less well than the first."""

import json

from reasonflux.identity import file_digest
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.testbed.building import MODELS, data_digest
from reasonflux.testbed.building_small import NAME, PARENT, TAUGHT, draw_of
from reasonflux.testbed.publishing import MANIFEST, WEIGHTS
from reasonflux.testbed.recipe import load_small_recipe


def test_the_manifest_names_the_weights_data_prompts_parent_and_recipe_that_are_here():
    manifest = json.loads((MODELS / NAME / MANIFEST).read_text(encoding="utf-8"))
    recipe = load_small_recipe()
    assert manifest["weights_sha256"] == file_digest(MODELS / NAME / WEIGHTS)
    assert manifest["data_digest"] == data_digest(draw_of(recipe))
    assert manifest["prompts_digest"] == PromptSet.load().only(*TAUGHT).digest
    assert manifest["recipe"] == recipe.model_dump(mode="json")
    assert manifest["parent"] == file_digest(MODELS / PARENT / WEIGHTS)
    assert manifest["command"].startswith("python jobs/train_testbed.py --small")


def test_it_has_learnt_to_follow_plans_and_leaves_something_to_be_gained():
    figures = json.loads((MODELS / NAME / MANIFEST).read_text(encoding="utf-8"))["figures"]
    for name in ("right_plan", "wrong_plan", "no_plan"):
        assert figures[name]["n"] >= 500
    assert figures["wrong_plan"]["high"] < figures["right_plan"]["low"]
    assert 0.1 <= figures["no_plan"]["mean"] <= 0.9
