"""What a method may use, and what a method is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

from reasonflux.library.resolve import Resolver
from reasonflux.protocols import Generate, Grade, Retrieve, Sampling
from reasonflux.reasoning.parsing import PlanFormat
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.records import Decision, Exchange, Problem, Solution


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
    grade: Grade | None = None  # says which answers are the same; sees the gold answer in the oracle's hands alone
    draw: tuple[int, ...] = (0,)  # which solution of the problem this is; a part of a solution adds its own number
    observe: Callable[[Exchange | Decision], None] | None = None  # told of everything as it happens


class Method(Protocol):
    """A way to answer: a frozen record whose fields are its settings and, with them, its identity."""

    name: ClassVar[str]

    @property
    def prompts(self) -> tuple[str, ...]:
        """Names of the prompts that it asks with, where the set has them."""
        ...

    async def __call__(self, problem: Problem, tools: Tools) -> Solution: ...
