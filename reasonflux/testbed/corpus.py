"""The texts from which the tokenizer learns its merges."""

import random
from collections.abc import Iterator

from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.testbed.corruption import corrupt
from reasonflux.testbed.demonstrations import structure_sample
from reasonflux.testbed.execution import execute, plan_text
from reasonflux.testbed.samples import draw_training_problem
from reasonflux.testbed.subjects import TEMPLATES
from reasonflux.testbed.tokenizer import END, START
from reasonflux.testbed.world import family_of, numbers_of

REPEATS = 20  # of each template's text, so that its words become tokens


def corpus(prompts: PromptSet, seed: int, count: int) -> Iterator[str]:
    """Prompts and targets of `count` problems of the training split, then every template as structure tuning has it."""
    rng = random.Random(f"corpus {seed}")
    for _ in range(count):
        problem = draw_training_problem(rng)
        plan = corrupt(rng, family_of(problem))
        yield prompts.render("reasoner", plan=plan_text(plan), problem=problem)[0].content
        yield prompts.render("navigator", problem=problem)[0].content
        yield prompts.render("direct", problem=problem)[0].content
        yield f"user\nassistant\n{execute(numbers_of(problem), plan).text}"
    for name in TEMPLATES:
        for text, _ in structure_sample(prompts, name) * REPEATS:
            yield text.replace(START, "").replace(END, "")
