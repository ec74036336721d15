"""`reasonflux rounds show RUN`: what each round did, what stands now, and the learning curve, finished or not."""

import json
from argparse import ArgumentParser, Namespace
from dataclasses import asdict

from reasonflux.cli.command import Command, console
from reasonflux.errors import BadInput
from reasonflux.rounds.curve import Point
from reasonflux.rounds.record import read_records, standing_after
from reasonflux.rounds.showing import PICTURES, curve_picture, curve_table, tree
from reasonflux.storage.run import Run
from reasonflux.storage.store import Store


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("run", help="run directory or URI of jobs/run_rounds.py")
    parser.add_argument("--plot", default="", metavar="FOLDER", help=f"where {' and '.join(PICTURES)} are written")
    parser.add_argument("--json", action="store_true", help="everything as one line of JSON")


def _run(arguments: Namespace) -> int:
    run = Run(Store.at(arguments.run))
    if not run.store.exists("config.yaml"):
        raise BadInput(f"{run.store.uri} is no run directory", "Name the one that jobs/run_rounds.py printed")
    records, manifest = list(read_records(run.store)), run.manifest() or {}
    curve = [Point.read(point) for point in manifest.get("curve", [])]
    if arguments.plot:
        if not curve:
            raise BadInput(f"{run.store.uri} has no learning curve yet", "Wait for the run's end, or leave --plot out")
        for name in PICTURES:
            Store.at(arguments.plot).put(name, curve_picture(curve, name.rpartition(".")[2]))
    if arguments.json:
        standing = {role: asdict(served) for role, served in standing_after(records).items()}
        rounds = [asdict(record) for record in records]
        print(json.dumps({"rounds": rounds, "standing": standing, "curve": [asdict(point) for point in curve]}))
        return 0
    console().print(tree(run.store.uri, records, finished=bool(manifest)))
    if curve:
        console().print(curve_table(curve))
    return 0


COMMAND = Command(help="what each round did, and what stands now", arguments=_arguments, run=_run)
