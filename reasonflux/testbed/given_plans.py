"""Plans that no navigator wrote, right and wrong: what a reasoner makes of them is a ceiling and a floor."""

import random
from typing import Literal

from reasonflux.records import Problem
from reasonflux.testbed.corruption import corrupt
from reasonflux.testbed.execution import plan_text
from reasonflux.testbed.world import PROBLEM_SET, family_of


def given_plan(problem: Problem, kind: Literal["right", "wrong"], seed: int) -> str:
    """The text of a plan for a problem of this world; a wrong one follows from the seed.

    A few wrong plans reach the answer all the same. Raises `BadInput` for a problem of another problem set.
    """
    family = family_of(problem)
    plan = family.plan if kind == "right" else corrupt(random.Random(f"given plan {problem.id} {seed}"), family)
    return plan_text(plan)


def known_templates(problem: Problem) -> tuple[str, ...]:
    """Names of the templates that solve a problem, in order; empty where its source names none.

    In this world those of its family's plan. Of any other set the family itself, which is then a template's name:
    problems like a template's own example (arXiv 2502.06772, Table 3).
    """
    if problem.problem_set == PROBLEM_SET:
        return family_of(problem).plan
    return (problem.family,) if problem.family else ()
