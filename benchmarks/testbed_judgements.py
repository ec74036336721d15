"""How the navigator judged in an interplay on the testbed, where what a judgement should be is known."""

from collections.abc import Iterator, Sequence

from reasonflux.records import Problem, Solution
from reasonflux.testbed.evaluation import Plan, figure, read_plan
from reasonflux.testbed.judgements import PROMPT
from reasonflux.testbed.measuring_interplay import kind_of
from reasonflux.testbed.world import family_of

QUESTIONS = {  # per kind of the plan that was judged: what is counted, and whether the family's plan must come of it
    "revealed as wrong, mended to the family's plan": ("revealed", True),
    "right plan, changed (false repair)": ("right", False),
    "wrong but not revealed, changed": ("hidden", False),
    "wrong but not revealed, mended to the family's plan": ("hidden", True),
}


def judged(problem: Problem, solution: Solution) -> Iterator[tuple[str, bool, bool]]:
    """For each decision: the kind of the plan, whether it was changed, and whether the family's plan came of it.

    A plan is of the kind that a reasoner without faults would have shown it to be.
    """
    evaluations = [exchange for exchange in solution.exchanges if exchange.purpose == PROMPT]
    for exchange, decision in zip(evaluations, solution.decisions, strict=False):
        before: Plan = read_plan(exchange.prompt[0].content.partition("Plan:\n")[2].partition("\nGiven:")[0]).plan
        after = read_plan(decision.plan).plan
        changed = after != before
        yield kind_of((problem, before, decision.done)), changed, changed and after == family_of(problem).plan


def judgements(problems: Sequence[Problem], solutions: Sequence[Solution]) -> dict[str, str]:
    """Share, interval and number of judgements for each of `QUESTIONS`; problems count once, by their mean."""
    shares = {}
    for question, (kind, righted) in QUESTIONS.items():
        of: list[Problem] = []
        values: list[float] = []
        for problem, solution in zip(problems, solutions, strict=True):
            for seen, changed, mended in judged(problem, solution):
                if seen == kind:
                    of.append(problem)
                    values.append(float(mended if righted else changed))
        if of:
            one = figure(of, values)
            shares[question] = f"{one.mean:.3f} ({one.low:.3f} to {one.high:.3f}), {len(of)} on {one.n} problems"
    return shares
