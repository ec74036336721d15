"""`reasonflux compare A B`: two benchmark runs on the same problems, with intervals and corrected p-values."""

import json
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from reasonflux.cli.command import Command, console
from reasonflux.errors import BadInput
from reasonflux.storage.run import Run
from reasonflux.storage.store import Store

if TYPE_CHECKING:
    from reasonflux.evals.comparing import Cell
    from reasonflux.evals.samples import Mark

CHOOSES = "#"
OF_MODEL = "@"


def _arguments(parser: ArgumentParser) -> None:
    for side in ("a", "b"):
        parser.add_argument(side, metavar="RUN[#METHOD[@MODEL]]", help="run directory or URI of jobs/run_benchmark.py")
    parser.add_argument("--json", action="store_true", help="the rows as one line of JSON")


def _run(arguments: Namespace) -> int:
    from reasonflux.evals.comparing import compare, table  # here: its statistics take a second to import

    differences = compare(_cells(arguments.a), _cells(arguments.b))
    if arguments.json:
        print(json.dumps([one.to_json() for one in differences]))
    else:
        console().print(table(differences, arguments.a, arguments.b))
    return 0


def _cells(named: str) -> "dict[Cell, list[Mark]]":
    """A side's samples by (benchmark, model, method): all of a run, or those of one method, or of one model's."""
    from reasonflux.evals.results import marks_of

    place, _, column = named.partition(CHOOSES)
    method, _, model = column.partition(OF_MODEL)
    found = marks_of(Run(Store.at(place)))
    kept = {cell: own for cell, own in found.items() if method in ("", cell[2]) and model in ("", cell[1])}
    if not kept:
        has = ", ".join(sorted({f"{cell[2]}{OF_MODEL}{cell[1]}" for cell in found}))
        raise BadInput(f"{place} has no {column}", f"It has {has}")
    return kept


COMMAND = Command(help="test two benchmark runs against each other", arguments=_arguments, run=_run)
