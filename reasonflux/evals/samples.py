"""The rows of a benchmark run: a trial is one (problem, method, model, sample) to be done, a sample what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reasonflux.protocols import Grading, Outcome
from reasonflux.reasoning.answers import extract_answer
from reasonflux.reasoning.methods.session import UNREADABLE
from reasonflux.reasoning.methods.voting import boxed
from reasonflux.records import Exchange, Failure, Message, Problem, Solution, Usage, Verdict
from reasonflux.rewards.graders import verdict_of

ROLES = ("navigator", "reasoner")


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Work item: one solution to be made."""

    id: str
    benchmark: str
    grader: str
    model: str
    method: str
    index: int  # which sample of this problem
    problem: Problem


@dataclass(frozen=True, kw_only=True)
class Solved:
    """A trial and the solution that a method made of it; graded in a stage of its own."""

    id: str
    trial: Trial
    solution: Solution
    failure: Failure | None

    @property
    def usage(self) -> Usage:
        """Of all requests, for the count of a stage's tokens."""
        prompt, output = self.solution.tokens()
        return Usage(prompt_tokens=prompt, output_tokens=output)


@dataclass(frozen=True, kw_only=True)
class Mark:
    """The numbers of a sample: all that metrics look at."""

    id: str
    benchmark: str
    model: str
    method: str
    problem_id: str
    index: int
    verdict: str
    answer: str  # as the grader read it; empty where there is none
    navigator_prompt_tokens: int
    navigator_output_tokens: int
    navigator_cached_tokens: int  # prompt tokens served from the prefix cache
    reasoner_prompt_tokens: int
    reasoner_output_tokens: int
    reasoner_cached_tokens: int
    requests: int
    rounds: int  # of interplay
    templates: int  # retrieved
    seconds: float  # wall time of the solution, its waits for the engine among them
    judgement: str  # of the LLM judge: correct, wrong, unreadable; empty where none was asked
    failure: Failure | None


@dataclass(frozen=True, kw_only=True)
class Sample(Mark):
    """A graded solution with all that it was made of: one row of a run's results."""

    question: str
    gold: str
    grader: str
    level: str | None
    tags: tuple[str, ...]
    prompt: tuple[Message, ...]  # of the request whose answer counts
    output: str  # that answer, whole
    seed: int | None  # of that request; the others' stand in the solution
    truncated: bool  # that answer ended at the token limit
    grading_s: float
    message: str  # the grader's, for timeout and error
    navigator: str  # digest of the checkpoint, or the name of the endpoint
    reasoner: str
    prompts: str  # digest of the prompt set
    library: str  # digest of the template library, and of how it is searched; empty where there is none
    solution: Solution


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """What a run's solutions come from, by digest."""

    navigator: str
    reasoner: str
    prompts: str
    library: str


def final_exchange(solution: Solution) -> Exchange | None:
    """The exchange that gave the solution its answer; without an answer the last of the reasoner's, if any."""
    asked = [exchange for exchange in solution.exchanges if exchange.role == "reasoner"]
    if solution.answer is not None:
        giving = (one for one in reversed(asked) if extract_answer(one.text) == solution.answer)
        return next(giving, asked[-1] if asked else None)
    return asked[-1] if asked else None


def graded_text(solution: Solution) -> tuple[str, bool]:
    """What a grader reads of a solution, and whether it was cut off.

    The whole text that gave the answer, since graders differ in what they read; the answer in a box where no one text
    gave it.
    """
    final = final_exchange(solution)
    if final is not None and (solution.answer is None or extract_answer(final.text) == solution.answer):
        return final.text, final.outcome == Outcome.TRUNCATED
    return (boxed(solution.answer), False) if solution.answer is not None else ("", False)


def verdict_on(solution: Solution, grading: Grading) -> Verdict:
    """The verdict of a solution; one that failed for reasons outside the models is an `ERROR`, whatever text it has.

    A plan that nobody can read is the navigator's own doing: `UNPARSED`.
    """
    if solution.failure is not None:
        return Verdict.UNPARSED if solution.failure.error == UNREADABLE else Verdict.ERROR
    text, truncated = graded_text(solution)
    return verdict_of(text, truncated, grading)


def sample_of(solved: Solved, grading: Grading, judgement: str, provenance: Provenance) -> Sample:
    """One row of the results."""
    trial, solution = solved.trial, solved.solution
    final = final_exchange(solution)
    spent: dict[str, Any] = {
        f"{role}_{kind}_tokens": tokens
        for role in ROLES
        for kind, tokens in zip(("prompt", "output", "cached"), _spent(solution.exchanges, role), strict=True)
    }
    return Sample(
        id=solved.id,
        benchmark=trial.benchmark,
        model=trial.model,
        method=trial.method,
        problem_id=trial.problem.id,
        index=trial.index,
        verdict=verdict_on(solution, grading),
        answer=grading.answer,
        **spent,
        requests=len(solution.exchanges),
        rounds=solution.rounds,
        templates=len(solution.retrieved),
        seconds=solution.seconds,
        judgement=judgement,
        failure=solved.failure,
        question=trial.problem.text,
        gold=trial.problem.gold,
        grader=trial.grader,
        level=trial.problem.level,
        tags=trial.problem.tags,
        prompt=final.prompt if final else (),
        output=final.text if final else "",
        seed=final.seed if final else None,
        truncated=final is not None and final.outcome == Outcome.TRUNCATED,
        grading_s=grading.seconds,
        message=grading.message,
        **vars(provenance),
        solution=solution,
    )


def _spent(exchanges: Sequence[Exchange], role: str) -> tuple[int, int, int]:
    """Prompt, output and cached prompt tokens of one role."""
    usages = [exchange.usage for exchange in exchanges if exchange.role == role]
    return (
        sum(usage.prompt_tokens for usage in usages),
        sum(usage.output_tokens for usage in usages),
        sum(usage.cached_tokens for usage in usages),
    )
