"""What the navigator is trained on: structure tuning, then imperfect demonstrations with a designed bias.

The bias is part of the testbed: in the biased families most demonstrations hold the family's tempting wrong plan, so
that the starting navigator's most likely plan is wrong there and reinforcement learning has something to mend. It
says nothing about real navigators; name it wherever a curve of these models is shown.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.records import Problem
from reasonflux.testbed.corruption import corrupt
from reasonflux.testbed.execution import plan_text
from reasonflux.testbed.families import Family
from reasonflux.testbed.samples import Sample
from reasonflux.testbed.subjects import FAMILIES, TEMPLATES
from reasonflux.testbed.tokenizer import END, chat_prompt
from reasonflux.testbed.world import family_of, generate_problems

HELD_OUT_PLANS = frozenset(family.plan for family in FAMILIES.values() if family.held_out)


@dataclass(frozen=True, kw_only=True)
class Bias:
    """Shares of demonstrations. What neither share covers is a corrupted plan."""

    families: tuple[str, ...]  # whose modal demonstration is the tempting wrong plan
    tempting: float  # share of the tempting plan in a biased family
    right_biased: float  # share of the right plan in a biased family
    right: float  # share of the right plan in any other family


@dataclass(frozen=True, kw_only=True)
class Demonstration:
    """A problem and the plan that is shown for it."""

    problem: Problem
    plan: tuple[str, ...]


def demonstrate(rng: random.Random, family: Family, bias: Bias) -> tuple[str, ...]:
    """One plan for a problem of the family; never a composition that is held out."""
    biased = family.name in bias.families
    draw = rng.random()
    right = bias.right_biased if biased else bias.right
    if draw < right:
        return family.plan
    if biased and draw < right + bias.tempting:
        return family.tempting
    while True:
        plan = corrupt(rng, family)
        if plan not in HELD_OUT_PLANS and plan != family.tempting:
            return plan


def demonstrations(count: int, bias: Bias, seed: int) -> list[Demonstration]:
    """`count` demonstrations on problems of the training split, trained families and wordings only."""
    rng = random.Random(f"demonstrations {seed}")
    problems = generate_problems(count, "training", seed)
    return [Demonstration(problem=p, plan=demonstrate(rng, family_of(p), bias)) for p in problems]


def modal_shares(shown: list[Demonstration]) -> Mapping[str, tuple[tuple[str, ...], float]]:
    """Per family the plan shown most often, and its share of the family's demonstrations."""
    counts: dict[str, dict[tuple[str, ...], int]] = {}
    for one in shown:
        plans = counts.setdefault(family_of(one.problem).name, {})
        plans[one.plan] = plans.get(one.plan, 0) + 1
    modal = {family: max(plans, key=lambda plan: plans[plan]) for family, plans in counts.items()}
    return {family: (plan, counts[family][plan] / sum(counts[family].values())) for family, plan in modal.items()}


def structure_sample(prompts: PromptSet, name: str) -> Sample:
    """Structure tuning: a template's name and tags ask for its description and steps (L_struct of arXiv 2502.06772)."""
    template = TEMPLATES[name]
    steps = "\n".join(f"{index}. {step}" for index, step in enumerate(template.steps, 1))
    prompt = chat_prompt(prompts.render("structure", template=template))
    return (prompt, False), (f"{template.description}\n{steps}{END}", True)


class NavigatorSamples:
    """Draws samples of structure tuning with probability `structure`, else of the demonstrations."""

    def __init__(self, prompts: PromptSet, shown: list[Demonstration], structure: float) -> None:
        self.prompts = prompts
        self.shown = shown
        self.structure = structure

    def __call__(self, rng: random.Random) -> Sample:
        """One sample: prompt and target."""
        if rng.random() < self.structure:
            return structure_sample(self.prompts, rng.choice(list(TEMPLATES)))
        one = rng.choice(self.shown)
        prompt = chat_prompt(self.prompts.render("navigator", problem=one.problem))
        return (prompt, False), (plan_text(one.plan) + END, True)
