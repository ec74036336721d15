"""One problem in the hands of one method: what is asked, what was answered, and how it ends.

A session is made for a problem and thrown away with it: no state outlives a problem.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from reasonflux.identity import digest, seed_of
from reasonflux.protocols import Completion, Outcome, Request, Sampling
from reasonflux.reasoning.answers import extract_answer
from reasonflux.reasoning.methods.settings import require_prompts
from reasonflux.reasoning.methods.tools import Method, RoleName, Tools
from reasonflux.reasoning.parsing import WrittenStep, parse_plan
from reasonflux.reasoning.plans import resolve_step
from reasonflux.records import Decision, Exchange, Failure, Message, Problem, Solution, Step, ThoughtTemplate

UNREADABLE = "unreadable_plan"  # error of a failure
PLAN_ATTEMPTS = 3  # a plan that cannot be read is asked for again at most twice


class Unanswered(Exception):
    """Ends a session: something that it cannot do without was not to be had."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure = failure


class Session:
    """Asks on behalf of a method and keeps the books. The gold answer is taken off the problem first."""

    def __init__(self, solution_id: str, problem: Problem, tools: Tools) -> None:
        self.id = solution_id
        self.problem = replace(problem, gold="")
        self.tools = tools
        self.exchanges: list[Exchange] = []
        self.decisions: list[Decision] = []
        self.retrieved: dict[str, None] = {}  # ids in the order of their first use
        self.steps: tuple[Step, ...] = ()
        self.answer: str | None = None

    @property
    def spent(self) -> int:
        """Tokens in and out, of both roles, up to now."""
        return sum(one.usage.prompt_tokens + one.usage.output_tokens for one in self.exchanges)

    async def ask(self, role: RoleName, purpose: str, **context: Any) -> str:
        """The text that answers one prompt; raises `Unanswered` when there is none."""
        (completion,) = await self.ask_all(role, purpose, [self.tools.prompts.render(purpose, **self._with(context))])
        if not completion.answered:
            raise Unanswered(Failure(stage=purpose, error=completion.outcome, message=completion.message))
        return completion.text

    async def ask_all(self, role: RoleName, purpose: str, prompts: Sequence[tuple[Message, ...]]) -> list[Completion]:
        """Completions of prompts that do not wait for one another, in order, answered or not.

        A request's id, and with it its seed, follows from the solution's id and its place in the conversation.
        """
        who = getattr(self.tools, role)
        requests = []
        for place, prompt in enumerate(prompts, start=len(self.exchanges)):
            key = digest(self.id, place, purpose)
            requests.append(
                Request(id=key, messages=prompt, sampling=who.sampling, seed=seed_of(key), checkpoint=who.checkpoint)
            )
        completions: list[Completion] = await who.generate(requests)
        for request, completion in zip(requests, completions, strict=True):
            exchange = Exchange(
                role=role,
                purpose=purpose,
                prompt=request.messages,
                text=completion.text,
                outcome=completion.outcome,
                message=completion.message,
                usage=completion.usage,
                seed=request.seed,
            )
            self.exchanges.append(exchange)
            self._tell(exchange)
        return completions

    async def ask_plan(self) -> tuple[Step, ...]:
        """The navigator's plan, asked for again with another seed while it cannot be read; else raises `Unanswered`."""
        for _ in range(PLAN_ATTEMPTS):
            text = await self.ask("navigator", "navigator")
            if steps := self.read_plan(text):
                return steps
        cut = self.exchanges[-1].outcome == Outcome.TRUNCATED
        message = f"no list of steps in {PLAN_ATTEMPTS} answers" + (", the last of them cut off" if cut else "")
        raise Unanswered(Failure(stage="navigator", error=UNREADABLE, message=message))

    def read_plan(self, text: str) -> tuple[Step, ...]:
        """The steps in a text, bound to the library where there is one; empty where it holds none."""
        return self.bind(parse_plan(text, self.tools.plan_format))

    def bind(self, written: Sequence[WrittenStep]) -> tuple[Step, ...]:
        """Written steps bound to the library, or kept as written where there is none."""
        if resolver := self.tools.resolver:
            return tuple(resolve_step(step, resolver)[0] for step in written)
        return tuple(Step(name=step.name, written=step.name, instruction=step.instruction) for step in written)

    async def retrieve(self, query: str, count: int) -> list[ThoughtTemplate]:
        """The templates that fit a query best; none where nothing retrieves. Raises `Unanswered` when that breaks."""
        if self.tools.retrieve is None:
            return []
        try:
            found = await self.tools.retrieve(query, count)
        except Exception as error:  # a retriever is the caller's: whatever it raises must not lose other problems
            message = f"{type(error).__name__}: {error}"
            raise Unanswered(Failure(stage="retrieve", error="retrieval_failed", message=message)) from error
        self.retrieved |= dict.fromkeys(template.id for template, _ in found)
        return [template for template, _ in found]

    def decide(self, decision: Decision) -> None:
        """Records a decision of the navigator."""
        self.decisions.append(decision)
        self._tell(decision)

    def read_answer(self, text: str) -> None:
        """Takes the answer of `text`, if it gives one."""
        self.answer = extract_answer(text) or self.answer

    def _with(self, context: Mapping[str, Any]) -> dict[str, Any]:
        return {"problem": self.problem, **context}

    def _tell(self, what: Exchange | Decision) -> None:
        if self.tools.observe:
            self.tools.observe(what)


def solution_id(method: Method, problem: Problem, tools: Tools) -> str:
    """Digest of all that determines a solution: method, settings, problem, models, sampling, prompts, library, draw."""
    used = [name for name in method.prompts if name in tools.prompts.sources]
    roles = [[_dumped(role.sampling), role.checkpoint] for role in (tools.navigator, tools.reasoner)]
    settings = asdict(method)  # type: ignore[call-overload]  # a method is a frozen record
    library = tools.library if tools.resolver or tools.retrieve else ""
    of_tools = (roles, tools.prompts.only(*used).digest, tools.plan_format, library, tools.draw)
    return digest("solution", method.name, settings, problem.id, problem.text, *of_tools)


async def solve(method: Method, problem: Problem, tools: Tools, work: Callable[[Session], Awaitable[None]]) -> Solution:
    """Runs `work` on a new session; what came of it, whatever that is, is the solution.

    Raises `BadInput` for a prompt that the set lacks: that is the caller's, and equal for every problem.
    """
    require_prompts(method, tools.prompts)
    started = time.monotonic()
    session = Session(solution_id(method, problem, tools), problem, tools)
    failure = None
    try:
        if not problem.text.strip():
            raise Unanswered(Failure(stage=method.name, error="empty_problem", message="the problem has no text"))
        await work(session)
    except Unanswered as end:
        failure = end.failure
    return Solution(
        id=session.id,
        problem_id=problem.id,
        method=method.name,
        answer=session.answer,
        steps=session.steps,
        exchanges=tuple(session.exchanges),
        decisions=tuple(session.decisions),
        retrieved=tuple(session.retrieved),
        seconds=time.monotonic() - started,
        failure=failure,
    )


def _dumped(sampling: Sampling) -> dict[str, Any]:
    return sampling.model_dump(mode="json")
