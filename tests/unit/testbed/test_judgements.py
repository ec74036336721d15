"""A plan is mended only where its steps reveal that it is wrong, and what is held out is never shown."""

import random
from functools import cache

import pytest

from reasonflux.errors import BadInput
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.testbed.demonstrations import HELD_OUT_PLANS, Bias, demonstrations
from reasonflux.testbed.evaluation import read_plan
from reasonflux.testbed.execution import NOT_APPLICABLE, execute, plan_text
from reasonflux.testbed.judgements import CONTINUE, JudgingSamples, judgement, judgement_prompt, reveals
from reasonflux.testbed.measuring_interplay import cases, kind_of
from reasonflux.testbed.recipe import INTERPLAY_RECIPE, load_interplay_recipe, load_recipe
from reasonflux.testbed.subjects import FAMILIES
from reasonflux.testbed.tokenizer import END
from reasonflux.testbed.world import family_of, generate_problems, numbers_of

BIAS = Bias(**load_recipe().navigator.bias.model_dump())
PROMPTS = PromptSet.load()


@cache
def _drawn():
    return list(generate_problems(60, "training", seed=0))


def _problem(family):
    return next(problem for problem in _drawn() if problem.family == family)


@pytest.fixture(scope="module")
def samples():
    shown = demonstrations(400, BIAS, 0)
    draw = JudgingSamples(PROMPTS, shown, 0.15, BIAS, 1.0)
    rng = random.Random(0)
    problems = {one.problem.text: one.problem for one in shown}
    found = []
    for _ in range(1500):
        (prompt, learnt_prompt), (target, learnt_target) = draw(rng)
        assert (learnt_prompt, learnt_target) == (False, True)
        problem = problems[prompt.partition("Problem: ")[2].partition("\n")[0]]
        plan, _, given = prompt.partition("Plan:\n")[2].partition("\nGiven:\n")
        found.append((problem, read_plan(plan).plan, given.partition(END)[0], target.removesuffix(END)))
    return found


def test_a_step_that_does_not_apply_reveals_the_plan_from_there_on():
    problem = _problem("bill_with_coupon")
    plan = family_of(problem).tempting  # Total Price, Add the Fee: there is no fee
    assert [reveals(problem, plan, done) for done in (1, 2)] == [False, True]
    assert judgement(problem, plan, 1) == CONTINUE
    assert judgement(problem, plan, 2) == "1. Total Price\n2. Subtract the Coupon"


def test_a_plan_at_its_end_that_found_another_kind_of_quantity_is_revealed_and_not_before():
    problem = _problem("area_from_perimeter")
    plan = family_of(problem).tempting  # ends with the other side, not the area
    assert [reveals(problem, plan, done) for done in (1, 2)] == [False, True]


def test_a_wrong_plan_that_finds_the_asked_kind_of_quantity_is_continued_to_its_end():
    problem = _problem("percent_decrease")
    plan = family_of(problem).tempting  # adds the part instead of subtracting it
    assert str(execute(numbers_of(problem), plan).value) != problem.gold
    assert {judgement(problem, plan, done) for done in (1, 2, 3)} == {CONTINUE}


@pytest.mark.parametrize("name", [name for name, family in FAMILIES.items() if not family.held_out])
def test_the_right_plan_is_continued_after_every_step(name):
    problem = _problem(name)
    plan = FAMILIES[name].plan
    assert {judgement(problem, plan, done) for done in range(1, len(plan) + 1)} == {CONTINUE}


def test_every_target_follows_from_the_evidence_in_the_prompt(samples):
    for problem, plan, given, target in samples:
        done = given.count("\n")  # the last line is the box
        assert given == execute(numbers_of(problem), plan[:done]).text
        if NOT_APPLICABLE in given:
            assert target == plan_text(family_of(problem).plan)
        elif done < len(plan):
            assert target == CONTINUE
        assert target in (CONTINUE, plan_text(family_of(problem).plan))


def test_both_targets_are_common_and_hidden_mistakes_are_among_what_is_continued(samples):
    continued = [(problem, plan) for problem, plan, _, target in samples if target == CONTINUE]
    wrong = [str(execute(numbers_of(problem), plan).value) != problem.gold for problem, plan in continued]
    assert 0.2 < 1 - len(continued) / len(samples) < 0.5
    assert sum(wrong) > 0.2 * len(samples)


def test_no_held_out_family_wording_number_or_composition_is_judged(samples):
    for problem, plan, _, target in samples:
        assert not problem.held_out
        assert problem.split == "training"
        assert plan not in HELD_OUT_PLANS
        assert read_plan(target).plan not in HELD_OUT_PLANS


def test_the_share_of_judgements_is_the_recipes():
    draw = JudgingSamples(PROMPTS, demonstrations(100, BIAS, 0), 0.15, BIAS, 0.6)
    rng = random.Random(0)
    share = sum("Given:" in draw(rng)[0][0] for _ in range(800)) / 800
    assert share == pytest.approx(0.6, abs=0.05)


def test_the_prompt_is_the_one_that_an_interplay_asks_with():
    problem = _problem("one_sided")
    plan = family_of(problem).plan
    result = execute(numbers_of(problem), plan[:1]).text
    asked = PROMPTS.render("evaluate", problem=problem, plan=plan_text(plan), result=result, history=[], templates=[])
    assert asked[0].content in judgement_prompt(PROMPTS, problem, plan, 1)


@pytest.mark.parametrize("kind", ["revealed", "right", "hidden"])
def test_cases_are_of_the_kind_asked_for_and_one_a_problem(kind):
    problems = generate_problems(135, "gate", seed=3)
    drawn = list(cases(problems, BIAS, kind, 0))
    assert {kind_of(case) for case in drawn} == {kind}
    assert len({problem.id for problem, _, _ in drawn}) == len(drawn) > 100


def test_the_committed_recipe_is_read():
    recipe = load_interplay_recipe(INTERPLAY_RECIPE)
    assert 0 < recipe.navigator.judgements < 1
    assert recipe.evaluation == load_recipe().evaluation  # so that both navigators' rewards can be compared


def test_a_recipe_with_a_mistake_is_refused_in_one_line(tmp_path):
    path = tmp_path / "recipe.yaml"
    text = INTERPLAY_RECIPE.read_text(encoding="utf-8")
    path.write_text(text.replace("judgements: 0.6", "judgements: 1.6"), encoding="utf-8")
    with pytest.raises(BadInput, match=r"navigator\.judgements: .* less than or equal to 1") as refused:
        load_interplay_recipe(path)
    assert "\n" not in str(refused.value)
