"""The reasoner alone: one request, no plan."""

from dataclasses import dataclass
from typing import ClassVar

from reasonflux.reasoning.methods.session import Session, solve
from reasonflux.reasoning.methods.tools import Requests, Tools
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.records import Problem, Solution


@dataclass(frozen=True, kw_only=True)
class Direct:
    """Asks the reasoner with the prompt `direct`."""

    name: ClassVar[str] = "direct"
    prompts: ClassVar[tuple[str, ...]] = ("direct",)

    def requests(self, prompts: PromptSet) -> Requests:
        """One."""
        return Requests(reasoner=1)

    async def __call__(self, problem: Problem, tools: Tools) -> Solution:
        """One solution; a request that was not answered is its failure."""
        return await solve(self, problem, tools, self._work)

    async def _work(self, session: Session) -> None:
        session.read_answer(await session.ask("reasoner", "direct"))
