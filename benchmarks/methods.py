"""The methods on the testbed, side by side: accuracy, and tokens by role, on the same problems and models.

    python -m benchmarks.methods [--problems 540] [--only METHOD] [--out FILE]

Prints a table with 95% intervals (bootstrap over distinct tuples of numbers inside each family); FILE gets it as JSON.
Every method has the same navigator and the same reasoner, both at temperature 1, and never sees the gold answer.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial

from benchmarks.testbed_command import Result, measured, shown
from benchmarks.testbed_engines import over, testbed_tools
from reasonflux.reasoning.methods import METHODS, Method
from reasonflux.reasoning.methods.best_of_n import BestOfN
from reasonflux.reasoning.methods.direct import Direct
from reasonflux.reasoning.methods.guided import Guided
from reasonflux.reasoning.methods.interplay import Interplay
from reasonflux.reasoning.methods.mcts import Mcts
from reasonflux.records import Problem, Solution
from reasonflux.testbed.evaluation import figure

COMPARED: Mapping[str, Method] = {
    "direct": Direct(),
    "guided": Guided(),
    "interplay, 4 rounds": Interplay(rounds=4),
    "best of 4 plans, majority": BestOfN(n=4, of="guided"),
    "best of 4 answers, majority": BestOfN(n=4, of="direct"),
    "mcts, 8 rollouts": Mcts(rollouts=8),
}
ROLES = ("navigator", "reasoner")


def row(problems: Sequence[Problem], solutions: Sequence[Solution], seconds: float) -> Result:
    """The figures of one method; tokens and requests are means a problem. A failed solution counts as wrong."""
    correct = [float(one.answer == problem.gold) for problem, one in zip(problems, solutions, strict=True)]
    spent = {role: [solution.tokens(role) for solution in solutions] for role in ROLES}
    return {
        "accuracy": asdict(figure(problems, correct)),
        "tokens_in_out": {role: [statistics.mean(side) for side in zip(*spent[role], strict=True)] for role in ROLES},
        "tokens": statistics.mean(sum(solution.tokens()) for solution in solutions),
        "requests": statistics.mean(len(solution.exchanges) for solution in solutions),
        "failed": sum(solution.failure is not None for solution in solutions),
        "seconds": round(seconds, 1),
    }


async def compare(options: argparse.Namespace, problems: Sequence[Problem]) -> Result:
    """Each method on all problems, one method after the other."""
    rows = {}
    async with testbed_tools() as tools:
        for name, method in COMPARED.items():
            if options.only and method.name not in options.only:
                continue
            started = time.monotonic()
            solutions = await over(problems, partial(method, tools=tools))
            rows[name] = row(problems, solutions, time.monotonic() - started)
            print(f"{name}: {rows[name]['seconds']} s", file=sys.stderr, flush=True)
    return {"rows": rows}


def table(result: Result) -> str:
    """The comparison in markdown."""
    lines = [
        "| method | accuracy | navigator tokens, in + out | reasoner tokens, in + out | all | requests | failed |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, one in result["rows"].items():
        sides = [" + ".join(f"{side:.0f}" for side in one["tokens_in_out"][role]) for role in ROLES]
        cells = [name, shown(one["accuracy"]), *sides]
        cells += [f"{one['tokens']:.0f}", f"{one['requests']:.1f}", str(one["failed"])]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _only(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", nargs="+", choices=METHODS, help="all by default")


main = partial(measured, compare, table, __doc__, _only)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
