"""The interplay's models are what their manifests say, and what feedback gains is there on numbers never used."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from reasonflux.identity import file_digest
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.testbed.building import MODELS, data_digest
from reasonflux.testbed.building_interplay import NAVIGATOR, PARENT, TAUGHT, YARDSTICK, draws
from reasonflux.testbed.publishing import MANIFEST, WEIGHTS
from reasonflux.testbed.recipe import load_interplay_recipe

REPOSITORY = Path(__file__).parents[2]
FRESH = ["--split", "gate", "--seed", "101"]  # the manifests and the committed curve measure on `final`


def _manifest(role):
    return json.loads((MODELS / role / MANIFEST).read_text(encoding="utf-8"))


@pytest.mark.parametrize("role", [NAVIGATOR, YARDSTICK])
def test_the_manifest_names_the_weights_data_prompts_parent_and_recipe_that_are_here(role):
    manifest = _manifest(role)
    recipe = load_interplay_recipe()
    assert manifest["weights_sha256"] == file_digest(MODELS / role / WEIGHTS)
    assert manifest["data_digest"] == data_digest(draws(recipe)[role])
    assert manifest["prompts_digest"] == PromptSet.load().only(*TAUGHT[role]).digest
    assert manifest["recipe"] == recipe.model_dump(mode="json")
    assert manifest["command"].startswith("python jobs/train_testbed.py --interplay")
    parent = file_digest(MODELS / PARENT / WEIGHTS) if role == NAVIGATOR else None
    assert manifest["parent"] == parent


def test_first_plans_keep_the_starting_navigators_distribution_and_plans_are_mended_when_revealed():
    figures, before = _manifest(NAVIGATOR)["figures"], _manifest(PARENT)["figures"]
    for name in ("reward", "right_plan"):
        assert figures[name]["n"] >= 500
        assert before[name]["low"] <= figures[name]["high"] and figures[name]["low"] <= before[name]["high"]
    assert figures["repaired"]["mean"] >= 0.85
    assert figures["false_repairs"]["mean"] <= 0.05
    assert figures["unrevealed_righted"]["mean"] <= 0.10


def test_the_yardstick_solves_some_problems_and_fails_at_others():
    figures = _manifest(YARDSTICK)["figures"]
    assert figures["solved"]["n"] >= 500
    assert 0.1 <= figures["solved"]["mean"] <= 0.9


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_interplay_of_four_rounds_beats_no_rounds_and_the_blind_control_on_fresh_problems(tmp_path):
    out = tmp_path / "curve.json"
    arguments = [*FRESH, "--problems", "270", "--tries", "1", "--rounds", "0", "4", "--out", str(out)]
    subprocess.run(
        [sys.executable, "-m", "benchmarks.interplay_curve", *arguments], cwd=REPOSITORY, check=True, timeout=1700
    )
    none, four = json.loads(out.read_text(encoding="utf-8"))["rows"]
    assert four["accuracy"]["interplay"]["n"] == 270
    assert four["accuracy"]["interplay"]["low"] > none["accuracy"]["interplay"]["high"]
    assert four["interplay − blind majority"]["low"] > 0
    assert four["failed"] == 0
