"""Interplay on the testbed: accuracy against the rounds allowed, beside a control that plans again blindly.

Interplay: after each step the navigator evaluates what the reasoner made of it and may mend the plan. The control
samples a plan for every problem and has it carried out, again and again until it has spent the tokens that interplay
spent over all problems (prompts and outputs of both roles); it sees no result. In the last turn only some of the
problems, chosen by lot, get another plan. Of a problem's answers, the last and the most frequent one are graded.
Navigator, reasoner and sampling are the same throughout.

Difficulty is the failure rate of an independent reasoner: the testbed's yardstick, a weak solver with weights, seed
and data of its own, which never saw a plan, sampled `--tries` times a problem at temperature 0.5.

    python -m benchmarks.interplay_curve [--problems 540] [--out FILE]

Prints tables with 95% intervals: a bootstrap over distinct tuples of numbers inside each family, and Wilson's by
difficulty, where a bin holds too few of a family for that. FILE gets them as JSON.
"""

import argparse
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial

from scipy.stats import binomtest

from benchmarks.testbed_command import Result, measured, shown
from benchmarks.testbed_engines import YARDSTICK, over, roles, testbed_tools, tools_for
from benchmarks.testbed_judgements import judgements
from reasonflux.reasoning.methods import Role, Tools
from reasonflux.reasoning.methods.direct import Direct
from reasonflux.reasoning.methods.guided import Guided
from reasonflux.reasoning.methods.interplay import Interplay
from reasonflux.records import Problem, Solution
from reasonflux.testbed.evaluation import Figure, figure

ROUNDS = (0, 1, 2, 4)
BINS = {"easy": 0.5, "middle": 0.99, "hard": 1.0}  # highest failure rate: solved half the time, at times, never
YARDSTICK_TEMPERATURE = 0.5
MOST_TURNS = 64  # of the control


@dataclass(frozen=True, kw_only=True)
class Blind:
    """What the control made of one problem."""

    answers: tuple[str | None, ...]  # one for each plan
    tokens: int

    @property
    def last(self) -> str | None:
        """The answer under the last plan."""
        return self.answers[-1]

    @property
    def majority(self) -> str | None:
        """The most frequent answer, the earlier of equals; None when no attempt gave any."""
        counts = Counter(answer for answer in self.answers if answer is not None)
        return counts.most_common(1)[0][0] if counts else None


@dataclass(frozen=True, kw_only=True)
class Point:
    """All problems at one number of rounds."""

    rounds: int
    interplay: Sequence[Solution]
    blind: Sequence[Blind]


def spent(solution: Solution) -> int:
    """Tokens in and out, of both roles."""
    return sum(solution.tokens())


async def plan_again(problems: Sequence[Problem], tools: Tools, tokens: int) -> list[Blind]:
    """The control: a plan for every problem, then turns of another plan for each until `tokens` are spent over all."""
    answers: list[list[str | None]] = [[] for _ in problems]
    costs = [0] * len(problems)
    for turn in range(MOST_TURNS):
        solutions = await over(problems, partial(Guided(), tools=replace(tools, draw=(*tools.draw, turn))))
        places = list(range(len(problems)))
        random.Random(turn).shuffle(places)
        for place in places:
            if turn and sum(costs) >= tokens:
                return [Blind(answers=tuple(a), tokens=cost) for a, cost in zip(answers, costs, strict=True)]
            answers[place].append(solutions[place].answer)
            costs[place] += spent(solutions[place])
    raise RuntimeError(f"{MOST_TURNS} plans a problem did not cost {tokens} tokens")


async def point(problems: Sequence[Problem], tools: Tools, rounds: int) -> Point:
    """Interplay with at most `rounds` evaluations, then the control for as many tokens."""
    method = Interplay(rounds=rounds)
    solutions = await over(problems, partial(method, tools=tools))
    blind_tools = replace(tools, draw=(rounds,))  # each point has a control of its own
    blind = await plan_again(problems, blind_tools, sum(map(spent, solutions)))
    return Point(rounds=rounds, interplay=solutions, blind=blind)


async def failure_rates(problems: Sequence[Problem], yardstick: Role, tries: int) -> list[float]:
    """Share of `tries` solutions of the yardstick that miss the gold answer, for each problem."""
    cool = replace(yardstick, sampling=yardstick.sampling.model_copy(update={"temperature": YARDSTICK_TEMPERATURE}))
    tools = tools_for(cool, cool, None)
    work = [(problem, attempt) for problem in problems for attempt in range(tries)]
    solutions = await over(work, lambda item: Direct()(item[0], replace(tools, draw=(item[1],))))
    missed = [solution.answer != problem.gold for (problem, _), solution in zip(work, solutions, strict=True)]
    return [sum(missed[start : start + tries]) / tries for start in range(0, len(missed), tries)]


def bin_of(rate: float) -> str:
    """The bin of a failure rate."""
    return next(name for name, highest in BINS.items() if rate <= highest)


def right(problems: Sequence[Problem], answers: Sequence[str | None]) -> list[float]:
    """1.0 for each answer that is the gold, else 0.0."""
    return [float(answer == problem.gold) for problem, answer in zip(problems, answers, strict=True)]


def wilson(correct: Sequence[float]) -> Figure:
    """Share of ones among independent zeros and ones, and Wilson's 95% interval."""
    share = binomtest(round(sum(correct)), len(correct))
    low, high = share.proportion_ci(method="wilson")
    return Figure(mean=round(share.statistic, 4), low=round(float(low), 4), high=round(float(high), 4), n=len(correct))


def outcomes(problems: Sequence[Problem], point: Point) -> dict[str, list[float]]:
    """Per way to answer, 1.0 or 0.0 for each problem; a failed solution counts as wrong."""
    return {
        "interplay": right(problems, [solution.answer for solution in point.interplay]),
        "blind, majority": right(problems, [blind.majority for blind in point.blind]),
        "blind, last": right(problems, [blind.last for blind in point.blind]),
    }


def less(problems: Sequence[Problem], ours: Sequence[float], theirs: Sequence[float]) -> Result:
    """Mean of the differences by problem."""
    return asdict(figure(problems, [one - other for one, other in zip(ours, theirs, strict=True)]))


def row(problems: Sequence[Problem], rates: Sequence[float], point: Point, fewer: Point | None = None) -> Result:
    """The figures of one point: accuracies over all problems and by difficulty, differences, tokens and plans.

    `fewer`: the point before it, on the same problems; what more rounds gain is a mean of differences by problem.
    """
    values = outcomes(problems, point)
    by_bin: dict[str, Result] = {}
    for name in BINS:
        places = [place for place, rate in enumerate(rates) if bin_of(rate) == name]
        if places:
            by_bin[name] = {way: asdict(wilson([v[p] for p in places])) for way, v in values.items()}
    navigator = [solution.tokens("navigator") for solution in point.interplay]
    reasoner = [solution.tokens("reasoner") for solution in point.interplay]
    return {
        "rounds": point.rounds,
        "accuracy": {way: asdict(figure(problems, value)) for way, value in values.items()},
        "interplay − blind majority": less(problems, values["interplay"], values["blind, majority"]),
        "interplay − fewer rounds": fewer
        and less(problems, values["interplay"], outcomes(problems, fewer)["interplay"]),
        "by_difficulty": by_bin,
        "rounds_used": statistics.mean(solution.rounds for solution in point.interplay),
        "tokens": {
            "interplay": statistics.mean(spent(solution) for solution in point.interplay),
            "blind": statistics.mean(blind.tokens for blind in point.blind),
            "navigator_in_out": [statistics.mean(each) for each in zip(*navigator, strict=True)],
            "reasoner_in_out": [statistics.mean(each) for each in zip(*reasoner, strict=True)],
        },
        "blind_plans": statistics.mean(len(blind.answers) for blind in point.blind),
        "failed": sum(solution.failure is not None for solution in point.interplay),
        "judgements": judgements(problems, point.interplay),
    }


async def measure(options: argparse.Namespace, problems: Sequence[Problem]) -> Result:
    """The whole curve."""
    started = time.monotonic()
    async with roles(YARDSTICK) as (yardstick,):
        rates = await failure_rates(problems, yardstick, options.tries)
    rows: list[Result] = []
    fewer: Point | None = None
    async with testbed_tools() as tools:
        for rounds in options.rounds:
            now = await point(problems, tools, rounds)
            rows.append(row(problems, rates, now, fewer))
            fewer = now
            print(f"rounds {rounds}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    return {
        "tries": options.tries,
        "failure_rate": asdict(figure(problems, rates)),
        "bins": dict(Counter(bin_of(rate) for rate in rates)),
        "rows": rows,
    }


def tables(result: Result) -> str:
    """The curve, and the curve by difficulty, in markdown."""
    ways = list(result["rows"][0]["accuracy"])
    differences = "interplay − majority | interplay − the row above"
    lines = ["| rounds allowed | used | " + " | ".join([*ways, differences, "tokens, interplay : blind"]) + " |"]
    lines.append("|---" * (len(ways) + 5) + "|")
    for row in result["rows"]:
        cells = [str(row["rounds"]), f"{row['rounds_used']:.2f}", *[shown(row["accuracy"][way]) for way in ways]]
        cells.append(shown(row["interplay − blind majority"]))
        cells.append(shown(row["interplay − fewer rounds"]) if row["interplay − fewer rounds"] else "")
        cells.append(f"{row['tokens']['interplay']:.0f} : {row['tokens']['blind']:.0f}")
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", "| difficulty | n | rounds allowed | " + " | ".join(ways) + " |", "|---" * (len(ways) + 3) + "|"]
    for name in BINS:
        for row in result["rows"]:
            if figures := row["by_difficulty"].get(name):
                cells = [name, str(figures[ways[0]]["n"]), str(row["rounds"]), *[shown(figures[way]) for way in ways]]
                lines.append("| " + " | ".join(cells) + " |")
    lines += ["", "Judgements of the navigator at the most rounds:"]
    lines += [f"- {name}: {text}" for name, text in result["rows"][-1]["judgements"].items()]
    return "\n".join(lines)


def _more(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tries", type=int, default=8, help="solutions of the yardstick a problem")
    parser.add_argument("--rounds", type=int, nargs="+", default=ROUNDS)


main = partial(measured, measure, tables, __doc__, _more)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
