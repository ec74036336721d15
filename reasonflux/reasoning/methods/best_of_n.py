"""Best of n: n solutions side by side, and one of them chosen without a look at the gold answer."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, get_args

from reasonflux.errors import BadInput
from reasonflux.protocols import Grade
from reasonflux.reasoning.methods.direct import Direct
from reasonflux.reasoning.methods.guided import Guided
from reasonflux.reasoning.methods.session import Session, Unanswered, solve
from reasonflux.reasoning.methods.settings import require, require_choice
from reasonflux.reasoning.methods.tools import Method, Requests, Tools
from reasonflux.reasoning.methods.voting import boxed, vote
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.records import Problem, Solution, Verdict

Sampled = Literal["direct", "guided"]
Selection = Literal["majority", "logprob", "oracle"]
SAMPLED: Mapping[Sampled, Method] = {"direct": Direct(), "guided": Guided()}


@dataclass(frozen=True, kw_only=True)
class BestOfN:
    """n samples of another method; more samples keep the ids of the first ones.

    `majority`: the answer that most samples gave, of equal ones the first. `logprob`: the sample with the highest mean
    logprob of the reasoner's tokens (verifier-free). `oracle`: a sample that is correct, if there is one. The oracle
    sees the gold answer: it is the ceiling of all selections and no result.
    """

    n: int = 8
    of: Sampled = "direct"
    select: Selection = "majority"

    name: ClassVar[str] = "best_of_n"

    def __post_init__(self) -> None:
        require(self, n=1)
        require_choice(self, "of", get_args(Sampled))
        require_choice(self, "select", get_args(Selection))

    @property
    def prompts(self) -> tuple[str, ...]:
        """Those of the method that is sampled."""
        return SAMPLED[self.of].prompts

    def requests(self, prompts: PromptSet) -> Requests:
        """Those of the method that is sampled, n times."""
        return replace(SAMPLED[self.of].requests(prompts), conversations=self.n)

    async def __call__(self, problem: Problem, tools: Tools) -> Solution:
        """One solution with the exchanges of all samples; it fails when all of them do.

        Raises `BadInput` for an oracle without a `Grade`.
        """
        if self.select == "oracle" and tools.grade is None:
            raise BadInput("an oracle's selection needs a grader", "Pass `grade`, or select by majority or logprob")

        async def work(session: Session) -> None:
            draws = [replace(tools, draw=(*tools.draw, index)) for index in range(self.n)]
            samples = await asyncio.gather(*[SAMPLED[self.of](session.problem, one) for one in draws])
            session.exchanges.extend(exchange for sample in samples for exchange in sample.exchanges)
            done = [sample for sample in samples if sample.failure is None]
            if not done and samples[0].failure:
                raise Unanswered(samples[0].failure)
            best = done[await self._best(done, problem.gold, tools.grade)]
            session.answer, session.steps = best.answer, best.steps

        return await solve(self, problem, tools, work)

    async def _best(self, samples: Sequence[Solution], gold: str, grade: Grade | None) -> int:
        if self.select == "logprob":
            scores = [mean_logprob(sample) if sample.answer is not None else float("-inf") for sample in samples]
            return scores.index(max(scores))
        if self.select == "oracle" and grade:
            gradings = await grade([(boxed(sample.answer or ""), gold) for sample in samples])
            correct = [place for place, one in enumerate(gradings) if one.verdict == Verdict.CORRECT]
            if correct:
                return correct[0]
        votes = await vote([sample.answer for sample in samples], grade)
        return votes.index(max(votes))


def mean_logprob(sample: Solution) -> float:
    """Mean logprob a token (nats) of the sample's last exchange, which holds its answer; -inf where none is known."""
    usage = sample.exchanges[-1].usage
    if usage.cumulative_logprob is None or not usage.output_tokens:
        return float("-inf")
    return usage.cumulative_logprob / usage.output_tokens
