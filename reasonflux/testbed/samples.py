"""What the reasoner is trained on: plans carried out, right and wrong, worked solutions without a plan, and drills."""

import random
from collections.abc import Mapping

from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.records import Problem
from reasonflux.testbed.corruption import corrupt
from reasonflux.testbed.drills import drill
from reasonflux.testbed.execution import execute, plan_text
from reasonflux.testbed.subjects import FAMILIES
from reasonflux.testbed.tokenizer import END, chat_prompt
from reasonflux.testbed.world import family_of, make_problem, numbers_in, numbers_of

Segment = tuple[str, bool]  # text, and whether it is learnt
Sample = tuple[Segment, ...]
KINDS = ("right_plan", "wrong_plan", "no_plan", "drill")


def draw_training_problem(rng: random.Random) -> Problem:
    """Any family and wording, numbers of the training split. Only the navigator has families held out."""
    family = rng.choice(list(FAMILIES.values()))
    numbers = rng.choice(numbers_in(family.name, "training"))
    return make_problem(family, numbers, rng.randrange(len(family.phrasings)), rng)


class ReasonerSamples:
    """Draws samples. `shares` gives the part of each of `KINDS`, adding up to 1."""

    def __init__(self, prompts: PromptSet, shares: Mapping[str, float]) -> None:
        self.prompts = prompts
        self.weights = [shares[kind] for kind in KINDS]

    def __call__(self, rng: random.Random) -> Sample:
        """One sample: prompt and target, or a line of facts of which the answers are learnt."""
        (kind,) = rng.choices(KINDS, weights=self.weights)
        if kind == "drill":
            return tuple(
                segment for question, answer in drill(rng) for segment in ((question, False), (answer + "; ", True))
            )
        problem = draw_training_problem(rng)
        family = family_of(problem)
        plan = corrupt(rng, family) if kind == "wrong_plan" else family.plan
        if kind == "no_plan":
            messages = self.prompts.render("direct", problem=problem)
        else:
            messages = self.prompts.render("reasoner", plan=plan_text(plan), problem=problem)
        return (chat_prompt(messages), False), (execute(numbers_of(problem), plan).text + END, True)
