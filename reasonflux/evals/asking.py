"""What a suite asks its models for, at most: requests by its methods' own bounds, tokens by protocols and prompts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from reasonflux.evals.benchmark_problems import Expected
from reasonflux.evals.sampling_protocols import SamplingProtocol
from reasonflux.planning import CHARACTERS_PER_TOKEN, StagePlan
from reasonflux.reasoning.methods import Method
from reasonflux.reasoning.methods.tools import RoleName
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.rewards.judge import PROMPT, SAMPLING, SHOWN


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One method of one model on one benchmark."""

    name: str
    solutions: int
    roles: tuple[StagePlan, ...]  # the requests of each role, to the engine that serves it

    @property
    def stage(self) -> StagePlan:
        """All of it as one stage, whose rows are solutions."""
        return StagePlan(
            name=self.name,
            rows=self.solutions,
            engine=" + ".join(dict.fromkeys(role.engine for role in self.roles)),
            prompt_tokens=sum(role.prompt_tokens for role in self.roles),
            output_tokens=sum(role.output_tokens for role in self.roles),
        )


def asked_of(
    name: str,
    method: Method,
    protocol: SamplingProtocol,
    expected: Expected,
    prompts: PromptSet,
    engines: Mapping[RoleName, str],
    contexts: Mapping[str, int | None],
) -> Asked:
    """What a method asks for; `contexts` of engines in tokens, None where nobody knows.

    A request is shown its prompt, and of what was written before in its conversation half on average: it begins with
    none of it and ends with all.
    """
    requests = method.requests(prompts)
    solutions = expected.problems * protocol.samples
    longest = max(len(prompts.sources.get(prompt, "")) for prompt in method.prompts)
    text = (longest + expected.mean_characters) / CHARACTERS_PER_TOKEN
    answers = {"navigator": protocol.navigator.max_tokens, "reasoner": protocol.reasoner.max_tokens}
    each = requests.navigator + requests.reasoner
    written = sum(requests.of(role) * answers[role] for role in get_args(RoleName))
    roles = []
    for role in get_args(RoleName):
        rows = solutions * requests.conversations * requests.of(role)
        context = contexts.get(engines[role])
        shown = text + written * (each - 1) / each / 2
        if context is not None:
            shown = min(shown, max(text, context - answers[role]))
        if rows:
            roles.append(
                StagePlan(
                    name=f"{name}, {role}",
                    rows=rows,
                    engine=engines[role],
                    prompt_tokens=int(rows * shown),
                    output_tokens=rows * answers[role],
                )
            )
    return Asked(name=name, solutions=solutions, roles=tuple(roles))


def judged(solutions: int, expected: Expected, prompts: PromptSet, engine: str) -> StagePlan:
    """The judge's requests, one a solution."""
    text = (len(prompts.sources[PROMPT]) + expected.mean_characters + SHOWN) / CHARACTERS_PER_TOKEN
    return StagePlan(
        name="judge",
        rows=solutions,
        engine=engine,
        prompt_tokens=int(solutions * text),
        output_tokens=solutions * SAMPLING.max_tokens,
    )
