"""Which templates are known to solve a problem."""

from dataclasses import replace

from reasonflux.testbed.given_plans import known_templates
from reasonflux.testbed.world import family_of, generate_problems


def test_in_this_world_the_family_s_plan_elsewhere_the_family_itself():
    problem = generate_problems(1, "final", seed=0)[0]
    assert known_templates(problem) == family_of(problem).plan
    other = replace(problem, problem_set="variants.jsonl", family="Vieta's formulas")
    assert known_templates(other) == ("Vieta's formulas",)
    assert known_templates(replace(other, family=None)) == ()
