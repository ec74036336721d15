"""What measurements on the testbed have in common on the command line: problems, options, tables and JSON."""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

from reasonflux.records import Problem
from reasonflux.testbed.evaluation import Figure
from reasonflux.testbed.world import generate_problems

Result = dict[str, Any]
Measure = Callable[[argparse.Namespace, Sequence[Problem]], Coroutine[Any, Any, Result]]


def shown(value: Mapping[str, Any]) -> str:
    """A figure, given by its fields, as a table holds it."""
    one = Figure(**value)
    return f"{one.mean:.3f} ({one.low:.3f} to {one.high:.3f})"


def measured(
    measure: Measure,
    tables: Callable[[Result], str],
    doc: str | None,
    add: Callable[[argparse.ArgumentParser], object],
    arguments: Sequence[str],
) -> int:
    """Measures, prints tables and writes JSON where it is asked to; `doc` and `add` are the command's own."""
    parser = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    parser.add_argument("--problems", type=int, default=540, help="distinct problems; 540 is 20 a family")
    parser.add_argument("--split", default="final")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="where the figures go as JSON")
    add(parser)
    options = parser.parse_args(arguments)
    started = time.monotonic()
    problems = generate_problems(options.problems, options.split, options.seed)
    result = {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "split": options.split,
        "seed": options.seed,
        "problems": len(problems),
        **asyncio.run(measure(options, problems)),
        "seconds": round(time.monotonic() - started),
    }
    print(tables(result))
    print(f"{result['seconds']} s", file=sys.stderr)
    if options.out:
        options.out.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0
