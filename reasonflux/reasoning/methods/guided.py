"""One pass: the navigator plans, the reasoner carries the whole plan out (ReasonFlux-v2; v1 without its feedback)."""

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from reasonflux.reasoning.methods.session import UNREADABLE, Session, Unanswered, solve
from reasonflux.reasoning.methods.settings import require_choice
from reasonflux.reasoning.methods.tools import Requests, Tools
from reasonflux.reasoning.plans import plan_text
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.records import Problem, Solution

WithoutPlan = Literal["fail", "direct"]


@dataclass(frozen=True, kw_only=True)
class Guided:
    """Asks with the prompts `navigator` and `reasoner`. Of a free proposal only the strategy goes to the reasoner.

    `without_plan`: what becomes of a problem for which no plan can be read: it fails, or is asked for with `direct`.
    """

    without_plan: WithoutPlan = "fail"

    name: ClassVar[str] = "guided"

    def __post_init__(self) -> None:
        require_choice(self, "without_plan", get_args(WithoutPlan))

    @property
    def prompts(self) -> tuple[str, ...]:
        """`direct` only where it may be needed."""
        return ("navigator", "reasoner", "direct") if self.without_plan == "direct" else ("navigator", "reasoner")

    def requests(self, prompts: PromptSet) -> Requests:
        """A plan, and its execution."""
        return Requests(navigator=1, reasoner=1)

    async def __call__(self, problem: Problem, tools: Tools) -> Solution:
        """One solution; its failure says which request was not answered, or that no plan could be read."""
        return await solve(self, problem, tools, self._work)

    async def _work(self, session: Session) -> None:
        try:
            session.steps = await session.ask_plan()
        except Unanswered as end:
            if self.without_plan == "fail" or end.failure.error != UNREADABLE:
                raise
            session.read_answer(await session.ask("reasoner", "direct"))
            return
        session.read_answer(await session.ask("reasoner", "reasoner", plan=plan_text(session.steps)))
