"""The reasoner carries out a plan that no navigator wrote: templates that are known to fit, found, or drawn by lot.

Table 3 of arXiv 2502.06772 compares a base model alone with the same model under a template known to fit; what is
retrieved, and what is drawn by lot, are its controls.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, get_args

from reasonflux.reasoning.methods.session import Session, Unanswered, solve
from reasonflux.reasoning.methods.settings import require, require_choice
from reasonflux.reasoning.methods.tools import Requests, Tools
from reasonflux.reasoning.parsing import WrittenStep
from reasonflux.reasoning.plans import plan_text
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.records import Failure, Problem, Solution, Step, ThoughtTemplate

Origin = Literal["known", "retrieved", "random"]


@dataclass(frozen=True, kw_only=True)
class Templated:
    """Asks with the prompt `reasoner`, once. A problem for which there is no template fails.

    `known`: those that the problem's source names; this sees what no method may see, and is a condition of an
    experiment, not a way to answer. `retrieved`: the best for the problem's text. `random`: any of the library, by the
    solution's id. The latter two take as many as are known, and `templates` where none is.
    """

    plan: Origin = "known"
    templates: int = 2
    steps: bool = False  # a template's own steps stand beside its name

    name: ClassVar[str] = "templated"
    prompts: ClassVar[tuple[str, ...]] = ("reasoner",)

    def __post_init__(self) -> None:
        require(self, templates=1)
        require_choice(self, "plan", get_args(Origin))

    def requests(self, prompts: PromptSet) -> Requests:
        """One."""
        return Requests(reasoner=1)

    async def __call__(self, problem: Problem, tools: Tools) -> Solution:
        """One solution; its failure says that there was no template, or that the request was not answered."""
        return await solve(self, problem, tools, self._work)

    async def _work(self, session: Session) -> None:
        steps = await self._plan(session)
        if not steps:
            message = f"no template is {self.plan} for this problem"
            raise Unanswered(Failure(stage="plan", error="no_template", message=message))
        session.steps = steps
        session.read_answer(await session.ask("reasoner", "reasoner", plan=plan_text(steps)))

    async def _plan(self, session: Session) -> tuple[Step, ...]:
        tools = session.tools
        known = tuple(tools.known(session.problem)) if tools.known else ()
        library = tools.resolver.templates if tools.resolver else ()
        if self.plan == "known":
            steps = session.bind([WrittenStep(name=name) for name in known])
            by_id = {template.id: template for template in library} if self.steps else {}
            return tuple(_detailed(step, by_id.get(step.template_id or "")) for step in steps)
        count = len(known) or self.templates
        if self.plan == "retrieved":
            found: Sequence[ThoughtTemplate] = await session.retrieve(session.problem.text, count)
        else:
            found = random.Random(session.id).sample(library, min(count, len(library)))
        return tuple(
            _detailed(Step(name=one.name, written=one.name, template_id=one.id), one if self.steps else None)
            for one in found
        )


def _detailed(step: Step, template: ThoughtTemplate | None) -> Step:
    return replace(step, instruction=" ".join(template.steps)) if template else step
