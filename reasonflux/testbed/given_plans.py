"""Plans that no navigator wrote, right and wrong: what a reasoner makes of them is a ceiling and a floor."""

import random
from typing import Literal

from reasonflux.records import Problem
from reasonflux.testbed.corruption import corrupt
from reasonflux.testbed.execution import plan_text
from reasonflux.testbed.world import family_of


def given_plan(problem: Problem, kind: Literal["right", "wrong"], seed: int) -> str:
    """The text of a plan for a problem of this world; a wrong one follows from the seed.

    A few wrong plans reach the answer all the same. Raises `BadInput` for a problem of another problem set.
    """
    family = family_of(problem)
    plan = family.plan if kind == "right" else corrupt(random.Random(f"given plan {problem.id} {seed}"), family)
    return plan_text(plan)
