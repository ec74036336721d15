"""One pass: the navigator plans, the reasoner carries the whole plan out (ReasonFlux-v2; v1 without its feedback)."""

from dataclasses import dataclass
from typing import ClassVar

from reasonflux.reasoning.methods.session import Session, solve
from reasonflux.reasoning.methods.tools import Tools
from reasonflux.reasoning.plans import plan_text
from reasonflux.records import Problem, Solution


@dataclass(frozen=True, kw_only=True)
class Guided:
    """Asks with the prompts `navigator` and `reasoner`. Of a free proposal only the strategy goes to the reasoner."""

    name: ClassVar[str] = "guided"
    prompts: ClassVar[tuple[str, ...]] = ("navigator", "reasoner")

    async def __call__(self, problem: Problem, tools: Tools) -> Solution:
        """One solution; its failure says which request was not answered, or that no plan could be read."""
        return await solve(self, problem, tools, self._work)

    async def _work(self, session: Session) -> None:
        session.steps = await session.ask_plan()
        session.read_answer(await session.ask("reasoner", "reasoner", plan=plan_text(session.steps)))
