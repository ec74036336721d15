"""What the interplay's navigator is trained on: its own demonstrations, and plans to judge by what their steps gave.

What a judgement may rest on is designed. A plan is mended only when its steps, as carried out, show that it is wrong:
a step did not apply, or the plan is at its end and has found a quantity of another kind than the problem asks for. Any
other plan, right or wrong, is to be continued. So what interplay gains comes from feedback, and not from a second
planner without the bias of the first.
"""

import random

from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.records import Problem
from reasonflux.testbed.demonstrations import Bias, Demonstration, NavigatorSamples, demonstrate
from reasonflux.testbed.execution import NOT_APPLICABLE, execute, plan_text
from reasonflux.testbed.samples import Sample
from reasonflux.testbed.tokenizer import END, chat_prompt
from reasonflux.testbed.world import family_of, numbers_of

PROMPT = "evaluate"
CONTINUE = "continue"
Plan = tuple[str, ...]


def reveals(problem: Problem, plan: Plan, done: int) -> bool:
    """True when the first `done` steps, carried out to the letter, show that the plan is wrong."""
    numbers = numbers_of(problem)
    given = execute(numbers, plan[:done])
    if NOT_APPLICABLE in given.lines:
        return True
    return done == len(plan) and given.kinds != execute(numbers, family_of(problem).plan).kinds


def judgement(problem: Problem, plan: Plan, done: int) -> str:
    """What the navigator should write: the whole right plan where the plan is revealed as wrong, else "continue"."""
    return plan_text(family_of(problem).plan) if reveals(problem, plan, done) else CONTINUE


def judgement_prompt(prompts: PromptSet, problem: Problem, plan: Plan, done: int) -> str:
    """The prompt for a plan whose first `done` steps a reasoner without faults has carried out."""
    result = execute(numbers_of(problem), plan[:done]).text
    return chat_prompt(prompts.render(PROMPT, problem=problem, plan=plan_text(plan), result=result))


class JudgingSamples:
    """Draws plans to judge with probability `share`, else the samples that the starting navigator was trained on.

    The problems are those of its demonstrations: trained families and wordings, numbers of the training split. A plan
    to judge is drawn anew, as demonstrations are.
    """

    def __init__(
        self, prompts: PromptSet, shown: list[Demonstration], structure: float, bias: Bias, share: float
    ) -> None:
        self.prompts = prompts
        self.shown = shown
        self.bias = bias
        self.share = share
        self.own = NavigatorSamples(prompts, shown, structure)

    def __call__(self, rng: random.Random) -> Sample:
        """One sample: prompt and target."""
        if rng.random() >= self.share:
            return self.own(rng)
        problem = rng.choice(self.shown).problem
        plan = demonstrate(rng, family_of(problem), self.bias)
        done = rng.randint(1, len(plan))
        prompt = judgement_prompt(self.prompts, problem, plan, done)
        return (prompt, False), (judgement(problem, plan, done) + END, True)
