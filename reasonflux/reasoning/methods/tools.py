"""What a method may use, and what a method is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

from reasonflux.library.resolve import Resolver
from reasonflux.protocols import Generate, Grade, Retrieve, Sampling
from reasonflux.reasoning.parsing import PlanFormat
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.records import Decision, Exchange, Problem, Solution

RoleName = Literal["navigator", "reasoner"]


@dataclass(frozen=True, kw_only=True)
class Role:
    """Who answers for the navigator or the reasoner, how it samples, and which checkpoint must answer."""

    generate: Generate
    sampling: Sampling
    checkpoint: str | None = None  # digest; None takes any


@dataclass(frozen=True, kw_only=True)
class Tools:
    """All that a method is given beside the problem; the same for every problem of a run."""

    navigator: Role
    reasoner: Role
    prompts: PromptSet
    plan_format: PlanFormat = "templates"
    resolver: Resolver | None = None  # binds the steps of a plan to a library; None leaves them as they are written
    retrieve: Retrieve | None = None
    library: str = ""  # digest of the library that resolver and retrieve work on, and of how it is searched
    known: Callable[[Problem], Sequence[str]] | None = (
        None  # templates that solve a problem, by its source; `templated`
    )
    grade: Grade | None = None  # says which answers are the same; sees the gold answer in the oracle's hands alone
    draw: tuple[int, ...] = (0,)  # which solution of the problem this is; a part of a solution adds its own number
    observe: Callable[[Exchange | Decision], None] | None = None  # told of everything as it happens


@dataclass(frozen=True, kw_only=True)
class Requests:
    """What one solution takes at most, where every plan can be read at once and none that was begun is written anew."""

    navigator: int = 0
    reasoner: int = 0
    conversations: int = 1  # of so many requests each; within one, a request may be shown all that was written before

    def of(self, role: RoleName) -> int:
        """Of one conversation."""
        return self.navigator if role == "navigator" else self.reasoner


class Method(Protocol):
    """A way to answer: a frozen record whose fields are its settings and, with them, its identity."""

    name: ClassVar[str]

    @property
    def prompts(self) -> tuple[str, ...]:
        """Names of the prompts that it asks with, where the set has them."""
        ...

    def requests(self, prompts: PromptSet) -> Requests:
        """What a plan reckons with."""
        ...

    async def __call__(self, problem: Problem, tools: Tools) -> Solution: ...
