"""`reasonflux library credit RUN`: what each template of a run's library was worth, and what to do about it."""

import json
from argparse import ArgumentParser, Namespace

import yaml

from reasonflux.cli.command import Command, console
from reasonflux.errors import BadInput
from reasonflux.library.load import TemplateLibrary, load_library
from reasonflux.storage.run import Run
from reasonflux.storage.store import Store

PICTURE = "credit.png"


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("run", help="run directory or URI of jobs/generate_pairs.py")
    parser.add_argument("--library", help="file of the library; else the one that the run's config names")
    parser.add_argument("--plot", metavar="FOLDER", help=f"where {PICTURE} is written; default: into the run")
    parser.add_argument("--json", action="store_true", help="everything as one line of JSON")


def _run(arguments: Namespace) -> int:
    from reasonflux.library.credit_report import CreditReport, read_uses  # here: its statistics take a second to import

    run = Run(Store.at(arguments.run))
    found = read_uses(run)
    report = CreditReport.of(found, _library(run, arguments.library))
    place = arguments.plot or ("" if arguments.json else arguments.run)  # JSON alone changes no directory
    if place:
        Store.at(place).put(PICTURE, report.picture())
    if arguments.json:
        print(json.dumps(report.to_json()))
        return 0
    for table in report.tables():
        console().print(table)
    console().print(f"picture: {Store.at(place).uri}/{PICTURE}", soft_wrap=True)
    return 0


def _library(run: Run, named: str | None) -> TemplateLibrary:
    """The library that the run used: any other has other templates, and is refused."""
    library = load_library(named or str(yaml.safe_load(run.store.read("config.yaml"))["library"]))
    used = (run.manifest() or {}).get("library", library.digest)
    if library.digest != used:
        raise BadInput(f"{library.source} is not the library of {run.store.uri}", "Name that one with --library")
    return library


COMMAND = Command(help="what each template was worth in a run", arguments=_arguments, run=_run)
