"""Plans are carried out to the letter, right or wrong, and what no step applies to has no answer."""

import random

import pytest

from reasonflux.testbed.corruption import corrupt
from reasonflux.testbed.execution import NOT_APPLICABLE, execute, plan_text
from reasonflux.testbed.subjects import FAMILIES, TEMPLATES
from reasonflux.testbed.templates import LARGEST, NotApplicable, divided, found, multiplied, subtracted
from reasonflux.testbed.world import family_of, generate_problems, numbers_of

TERM = {"a": 5, "k": 3, "n": 9}


def test_the_right_plan_is_written_out_line_by_line():
    execution = execute(TERM, ("Count the Gaps", "Growth over Gaps", "Shift the First Term"))
    assert execution.text == "1. 9-1=8\n2. 3*8=24\n3. 5+24=29\n\\boxed{29}"


def test_a_wrong_template_is_applied_all_the_same():
    execution = execute(TERM, ("Count Both Ends", "Growth over Gaps", "Shift the First Term"))
    assert execution.lines == ("9+1=10", "3*10=30", "5+30=35")
    assert execution.value == 35


def test_a_step_without_its_quantities_changes_nothing():
    execution = execute(TERM, ("Count the Gaps", "Square Root", "No Such Template"))
    assert execution.lines == ("9-1=8", NOT_APPLICABLE, NOT_APPLICABLE)
    assert execution.value == 8


def test_a_plan_of_which_no_step_applies_has_no_answer_and_never_the_gold_one():
    checked = 0
    rng = random.Random(0)
    for problem in generate_problems(310, "training", seed=0, held_out=True):
        execution = execute(numbers_of(problem), corrupt(rng, family_of(problem)))
        if set(execution.lines) == {NOT_APPLICABLE}:
            checked += 1
            assert execution.value is None
            assert execution.text.endswith("\\boxed{none}")
    assert checked > 20


def test_a_rule_is_iterated_in_steps_that_need_no_mental_arithmetic():
    execution = execute({"a": 6, "k": 3, "q": 7, "n": 3}, ("Count the Gaps", "Iterate the Rule"))
    assert execution.lines[1] == "6*3=18, 18+7=25, 25*3=75, 75+7=82"


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.name)
def test_the_right_plan_applies_to_every_tuple_and_the_tempting_one_mostly_misleads(family):
    misled = 0
    tuples = list(family.numbers())
    for numbers in tuples:
        right = execute(numbers, family.plan)
        assert right.value is not None
        assert NOT_APPLICABLE not in right.lines
        misled += execute(numbers, family.tempting).value != right.value
    assert misled / len(tuples) > 0.6


@pytest.mark.parametrize(
    "step", [lambda: subtracted("x", 3, 4), lambda: divided("x", 3, 0), lambda: multiplied("x", 13, 13)]
)
def test_steps_out_of_the_numbers_of_this_world_do_not_apply(step):
    with pytest.raises(NotApplicable):
        step()
    with pytest.raises(NotApplicable):
        found("too large", LARGEST + 1)


def test_every_family_knows_its_templates():
    for family in FAMILIES.values():
        assert set(family.plan) | set(family.tempting) <= set(TEMPLATES)


def test_a_plan_is_written_as_a_numbered_list():
    assert plan_text(("Square Root", "Add the Root")) == "1. Square Root\n2. Add the Root"


def test_a_corrupted_plan_is_never_the_right_one_and_seldom_reaches_the_answer():
    rng = random.Random(1)
    lucky = 0
    problems = generate_problems(930, "training", seed=1, held_out=True)
    for problem in problems:
        plan = corrupt(rng, family_of(problem))
        assert plan
        assert plan != family_of(problem).plan
        lucky += str(execute(numbers_of(problem), plan).value) == problem.gold
    assert lucky / len(problems) < 0.15
