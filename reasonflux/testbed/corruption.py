"""Plausible wrong plans: what the reasoner must follow to the letter, and what imperfect demonstrations hold."""

import random

from reasonflux.testbed.families import Family
from reasonflux.testbed.subjects import FAMILIES, SUBJECT_OF, SUBJECTS, TEMPLATES

KINDS = {  # how often each kind of mistake is made
    "tempting": 2.0,  # the family's own careless plan
    "neighbour": 2.0,  # the plan of another family of the subject
    "drop": 2.0,  # a step forgotten
    "swap": 2.0,  # a step replaced by one of the subject
    "stranger": 1.0,  # a step replaced by any
    "insert": 0.7,  # a step of the subject too many
    "foreign": 0.7,  # the plan of any family
    "shuffle": 0.7,  # the steps in another order
}


def corrupt(rng: random.Random, family: Family) -> tuple[str, ...]:
    """A plan that differs from the family's own; now and then it reaches the answer all the same."""
    while True:
        (kind,) = rng.choices(list(KINDS), weights=list(KINDS.values()))
        plan = _mistake(rng, family, kind)
        if plan and plan != family.plan:
            return plan


def _mistake(rng: random.Random, family: Family, kind: str) -> tuple[str, ...]:
    plan = list(family.plan)
    subject = SUBJECTS[SUBJECT_OF[family.name]]
    place = rng.randrange(len(plan))
    if kind == "tempting":
        return family.tempting
    if kind == "neighbour":
        return rng.choice(subject.FAMILIES).plan
    if kind == "foreign":
        return rng.choice(list(FAMILIES.values())).plan
    if kind == "drop":
        del plan[place]
    elif kind == "swap":
        plan[place] = rng.choice(subject.TEMPLATES).name
    elif kind == "stranger":
        plan[place] = rng.choice(list(TEMPLATES))
    elif kind == "insert":
        plan.insert(rng.randrange(len(plan) + 1), rng.choice(subject.TEMPLATES).name)
    else:
        rng.shuffle(plan)
    return tuple(plan)
