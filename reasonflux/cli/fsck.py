"""`reasonflux fsck RUN`: whether a run directory holds what its manifests say, byte for byte."""

import json
from argparse import ArgumentParser, Namespace
from dataclasses import asdict

from rich.table import Table

from reasonflux.cli.command import Command, console
from reasonflux.errors import BadInput
from reasonflux.showing import plain
from reasonflux.storage.fsck import fsck
from reasonflux.storage.store import Store

DAMAGED = 1  # exit status


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("run", help="run directory or URI")
    parser.add_argument("--json", action="store_true", help="every finding as one line of JSON")


def _run(arguments: Namespace) -> int:
    """0 where no sealed row is lost, 1 else; what a killed run may leave behind is told and loses nothing."""
    store = Store.at(arguments.run)
    if not store.exists("config.yaml"):
        raise BadInput(f"{store.uri} is no run directory: it has no config.yaml", "Name one")
    found = fsck(store)
    lost = sum(finding.loses_data for finding in found)
    if arguments.json:
        print(json.dumps([{**asdict(finding), "loses_data": finding.loses_data} for finding in found]))
    elif found:
        table = Table("fault", "where", "what", title=store.uri, title_justify="left")
        for finding in found:
            style = "red" if finding.loses_data else ""
            table.add_row(finding.fault, plain(finding.path), plain(finding.message), style=style)
        console().print(table)
    if not arguments.json:
        console().print(f"{len(found)} findings, {lost} of them lose data" if found else "no fault was found")
    return DAMAGED if lost else 0


COMMAND = Command(help="check a run directory against its manifests", arguments=_arguments, run=_run)
