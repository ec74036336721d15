"""A solution as plain values for JSON, and as text for people: the plan, each step as it went, what was decided, the
answer and what it cost.

What models wrote is shown as it stands, without markup; control characters are made visible, since a terminal obeys
them.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from reasonflux.records import Decision, Exchange, Solution

WIDTH = 100  # of a print-out where no terminal says otherwise
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_ROLES = ("navigator", "reasoner")


def as_dict(solution: Solution) -> dict[str, Any]:
    """All of a solution in values that JSON holds, with its rounds and its tokens by role."""
    tokens = {role: dict(zip(("prompt", "output"), solution.tokens(role), strict=True)) for role in _ROLES}
    return asdict(solution) | {"rounds": solution.rounds, "tokens": tokens}


def as_text(solution: Solution) -> str:
    """The print-out, without colours."""
    console = Console(file=io.StringIO(), width=WIDTH, color_system=None, markup=False, highlight=False)
    with console.capture() as captured:
        console.print(printout(solution))
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def printout(solution: Solution) -> RenderableType:
    """The print-out of a whole solution, for any rich console."""
    return Group(*_parts(solution))


def exchange_part(exchange: Exchange) -> RenderableType:
    """One request and what came of it."""
    title, said = exchange_words(exchange)
    return Group(Rule(plain(title), align="left", style="dim"), Padding(plain(said), (0, 2)))


def exchange_words(exchange: Exchange) -> tuple[str, str]:
    """Who was asked for what and what it cost; what came of it."""
    usage = exchange.usage
    title = f"{exchange.role} · {exchange.purpose} · {usage.prompt_tokens} + {usage.output_tokens} tokens"
    if exchange.outcome != "stopped":
        title += f" · {exchange.outcome}"
    return title, exchange.text.strip() or exchange.message


def decision_part(decision: Decision) -> RenderableType:
    """What the navigator made of a step; its words stand in the exchange before."""
    return Padding(plain(decision_words(decision), "bold" if decision.action != "continue" else ""), (0, 2))


def decision_words(decision: Decision) -> str:
    """The decision, and the plan where that is new."""
    plan = f"\n{decision.plan}" if decision.action == "refine" else ""
    steps = "step" if decision.done == 1 else "steps"
    return f"round {decision.round}, after {decision.done} {steps}: {decision.action}{plan}"


def ending_part(solution: Solution) -> RenderableType:
    """The answer, or why there is none, and what it cost."""
    lines = [plain(f"answer: {solution.answer}" if solution.answer is not None else "no answer", "bold")]
    if solution.verdict:
        lines.append(plain(f"verdict: {solution.verdict}"))
    if failure := solution.failure:
        lines.append(plain(f"failed at {failure.stage}: {failure.error}: {failure.message}", "red"))
    spent = "; ".join(f"{role} {sum(solution.tokens(role))} tokens" for role in _ROLES if sum(solution.tokens(role)))
    requests = len(solution.exchanges)
    cost = f"{solution.method}: {solution.rounds} rounds, {requests} requests, {solution.seconds:.1f} s"
    return Group(Rule(style="dim"), *lines, plain(f"{cost}; {spent}" if spent else cost, "dim"))


def plain(text: str, style: str = "") -> Text:
    """Text of anybody's as it stands, control characters spelled out."""
    return Text(_CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text), style=style)


def _parts(solution: Solution) -> Iterator[RenderableType]:
    if solution.steps:
        lines = (": ".join(filter(None, (step.name, step.instruction))) for step in solution.steps)
        yield plain("trajectory\n" + "\n".join(f"  {number}. {line}" for number, line in enumerate(lines, start=1)))
    decisions = iter(solution.decisions)
    for exchange in solution.exchanges:
        yield exchange_part(exchange)
        if exchange.purpose == "evaluate" and (decision := next(decisions, None)):
            yield decision_part(decision)
    if solution.retrieved:
        yield plain(f"templates retrieved: {', '.join(solution.retrieved)}", "dim")
    yield ending_part(solution)
