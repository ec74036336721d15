r"""Solutions as long chains of thought for fine-tuning (ReasonFlux-F1): plan, templates and feedback in one think part.

A sample is in TRL's conversational prompt-completion format: the problem, then `<think>…</think>` with the plan, the
templates that its steps are bound to, each step as it was carried out and each change of the plan, then the answer in
`\boxed{}`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from reasonflux.reasoning.parsing import without_thinking
from reasonflux.records import Message, Problem, Solution, ThoughtTemplate, Verdict

PLANNED = ("navigator", "adjust")
CARRIED_OUT = ("step", "reasoner", "direct", "answer")  # prompts whose answers are reasoning on the problem


@dataclass(frozen=True, kw_only=True)
class LongCot:
    """One sample, and where it came from."""

    prompt: tuple[Message, ...]
    completion: tuple[Message, ...]
    id: str  # of the solution
    problem_id: str


def long_cots(
    solved: Iterable[tuple[Problem, Solution]], templates: Mapping[str, ThoughtTemplate]
) -> Iterator[LongCot]:
    """A sample for each solution whose verdict is correct; the others teach nothing that is known to be right."""
    for problem, solution in solved:
        if solution.verdict == Verdict.CORRECT and solution.answer is not None:
            thinking = "\n\n".join(filter(None, _thinking(solution, templates)))
            text = f"<think>\n{thinking}\n</think>\n\nThe answer is $\\boxed{{{solution.answer}}}$."
            yield LongCot(
                prompt=(Message(role="user", content=problem.text),),
                completion=(Message(role="assistant", content=text),),
                id=solution.id,
                problem_id=problem.id,
            )


def _thinking(solution: Solution, templates: Mapping[str, ThoughtTemplate]) -> Iterator[str]:
    """Templates first, since the plan speaks of them; then everything in the order in which it came about."""
    for key in dict.fromkeys(step.template_id or "" for step in solution.steps):
        if key in templates:
            yield _told(templates[key])
    decisions = iter(solution.decisions)
    for exchange in solution.exchanges:
        if exchange.purpose in PLANNED:
            yield f"Plan:\n{_spoken(exchange.text)}"
        elif exchange.purpose in CARRIED_OUT:
            yield _spoken(exchange.text)
        elif exchange.purpose == "evaluate":
            decision = next(decisions, None)
            if decision and decision.action == "refine":
                yield f"What this gave asks for another plan:\n{decision.plan}"


def _told(template: ThoughtTemplate) -> str:
    steps = "; ".join(template.steps)
    return f"The strategy “{template.name}”: {template.description} Its steps: {steps}"


def _spoken(text: str) -> str:
    return without_thinking(text).strip()
