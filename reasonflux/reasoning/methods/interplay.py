"""Interplay of navigator and reasoner (arXiv 2502.06772, section 3.3 and Eq. 7).

The navigator plans T* (I1); templates are retrieved for its steps and the plan is adjusted to them (I2, R3). Then step
by step: the reasoner instantiates s_i as ŝ_i (I4, I5), the navigator evaluates, δ_i = Navigator(T*, ŝ_i), and may write
the plan anew, T* ← Navigator(T*, δ_i), or ask for other templates (I6). The answer comes last (I7).

Which requests are made follows from the prompt set:

- `adjust`, `instruct` and `answer` are asked with where the set has them;
- a set without `answer` has a cumulative `step`: each instantiation carries out the plan from its start, so that the
  last one holds the answer, and steps that nobody evaluates are carried out together.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from reasonflux.reasoning.decisions import read_decision
from reasonflux.reasoning.methods.session import Session, solve
from reasonflux.reasoning.methods.settings import require
from reasonflux.reasoning.methods.tools import Requests, Tools
from reasonflux.reasoning.plans import plan_text
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.records import Decision, Problem, Solution, Step, ThoughtTemplate


@dataclass(frozen=True, kw_only=True)
class Interplay:
    """Bounded by rounds, by tokens and by the plan's length; each evaluation of the navigator is a round."""

    rounds: int = 10
    tokens: int | None = None  # in and out, of both roles; once they are spent no further step or round begins
    steps: int = 24  # of a plan; what is longer is cut
    templates: int = 2  # retrieved at a time; each further retrieval of a problem brings one more (R5)

    name: ClassVar[str] = "interplay"
    prompts: ClassVar[tuple[str, ...]] = ("navigator", "adjust", "instruct", "step", "evaluate", "answer")

    def __post_init__(self) -> None:
        require(self, rounds=0, tokens=1, steps=1, templates=1)

    def requests(self, prompts: PromptSet) -> Requests:
        """Plan, adjustment, each step with its instruction, all rounds, and the answer."""
        has = prompts.sources.keys()
        carried = self.steps if "answer" in has else min(self.steps, self.rounds + 1)
        navigator = 1 + ("adjust" in has) + ("instruct" in has) * carried + self.rounds
        return Requests(navigator=navigator, reasoner=carried + ("answer" in has))

    async def __call__(self, problem: Problem, tools: Tools) -> Solution:
        """One solution; its failure says which request was not answered, or that no plan could be read."""
        return await solve(self, problem, tools, lambda session: _Interplay(self, session).run())


@dataclass
class _Interplay:
    """The state of one problem's interplay."""

    method: Interplay
    session: Session
    history: list[tuple[Step, str]] = field(default_factory=list)  # steps that count as carried out, and their texts
    shown: list[ThoughtTemplate] = field(default_factory=list)  # to the navigator, with the next evaluation
    retrievals: int = 0

    async def run(self) -> None:
        session = self.session
        session.steps = (await session.ask_plan())[: self.method.steps]
        await self._adjust()
        while self._goes_on():
            await self._carry_out(len(self.history) + 1)
            while self._round_left() and await self._evaluate():
                pass
        await self._close()

    def _has(self, prompt: str) -> bool:
        return prompt in self.session.tools.prompts.sources

    def _spent(self) -> bool:
        return self.method.tokens is not None and self.session.spent >= self.method.tokens

    def _round_left(self) -> bool:
        return len(self.session.decisions) < self.method.rounds and not self._spent()

    def _goes_on(self) -> bool:
        """Whether the next step is carried out by itself."""
        alone = self._has("answer") or self._round_left()
        return len(self.history) < len(self.session.steps) and alone and not self._spent()

    async def _adjust(self) -> None:
        """I2 and R3: a template for each step, and the flow adjusted to them; an unreadable flow changes nothing."""
        session = self.session
        if session.tools.retrieve is None or not self._has("adjust"):
            return
        found: dict[str, ThoughtTemplate] = {}
        for step in session.steps:
            query = ": ".join(filter(None, (step.name, step.instruction)))
            found |= {template.id: template for template in await session.retrieve(query, 1)}
        text = await session.ask("navigator", "adjust", plan=plan_text(session.steps), templates=list(found.values()))
        session.steps = session.read_plan(text)[: self.method.steps] or session.steps

    async def _carry_out(self, upto: int) -> None:
        """I4, I5: step `upto`, counted from 1, with all that came before it."""
        session = self.session
        step = session.steps[upto - 1]
        context: dict[str, Any] = {
            "plan": plan_text(session.steps[:upto]),
            "number": upto,
            "step": step,
            "history": self.history,
            "instruction": ": ".join(filter(None, (step.name, step.instruction))),
        }
        if self._has("instruct"):
            context["instruction"] = await session.ask("navigator", "instruct", **context)
        text = await session.ask("reasoner", "step", **context)
        session.read_answer(text)
        self.history.append((step, text))

    async def _evaluate(self) -> bool:
        """I6: one round; True when the navigator is to be asked again at once, with the templates that it wanted."""
        session = self.session
        text = await session.ask(
            "navigator",
            "evaluate",
            plan=plan_text(session.steps),
            result=self.history[-1][1],
            history=self.history,
            templates=self.shown,
        )
        self.shown = []
        done = len(self.history)
        decision = read_decision(text, session.tools.plan_format)
        action: str = decision.action
        if action == "retrieve":
            self.shown = await session.retrieve(decision.query, self.method.templates + self.retrievals)
            self.retrievals += 1
            action = "retrieve" if self.shown else "continue"
        elif action == "refine":
            action = "refine" if self._refine(session.bind(decision.steps)[: self.method.steps]) else "continue"
        plan = plan_text(session.steps)
        number = len(session.decisions) + 1
        session.decide(Decision(round=number, done=done, action=action, reason=text, plan=plan))
        return action == "retrieve"

    def _refine(self, steps: tuple[Step, ...]) -> bool:
        """T* ← Navigator(T*, δ): the first steps that are as they were stay done. False when nothing is new."""
        session = self.session
        if plan_text(steps) == plan_text(session.steps):
            return False
        kept = 0
        for (before, _), after in zip(self.history, steps, strict=False):
            if plan_text([before]) != plan_text([after]):
                break
            kept += 1
        del self.history[kept:]
        session.steps = steps
        session.answer = None
        for _, text in self.history:
            session.read_answer(text)
        return True

    async def _close(self) -> None:
        """I7: the answer, out of the history; or the rest of the plan in one go where `step` is cumulative."""
        session = self.session
        if self._has("answer"):
            text = await session.ask("reasoner", "answer", plan=plan_text(session.steps), history=self.history)
            session.read_answer(text)
        elif len(self.history) < len(session.steps):
            await self._carry_out(len(session.steps))
