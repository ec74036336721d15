"""The reasoner alone: one request, no plan."""

from dataclasses import dataclass
from typing import ClassVar

from reasonflux.reasoning.methods.session import Session, solve
from reasonflux.reasoning.methods.tools import Tools
from reasonflux.records import Problem, Solution


@dataclass(frozen=True, kw_only=True)
class Direct:
    """Asks the reasoner with the prompt `direct`."""

    name: ClassVar[str] = "direct"
    prompts: ClassVar[tuple[str, ...]] = ("direct",)

    async def __call__(self, problem: Problem, tools: Tools) -> Solution:
        """One solution; a request that was not answered is its failure."""
        return await solve(self, problem, tools, self._work)

    async def _work(self, session: Session) -> None:
        session.read_answer(await session.ask("reasoner", "direct"))
