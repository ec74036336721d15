"""`reasonflux status RUN`: how far a run is, from anywhere that can read its directory."""

import json
from argparse import ArgumentParser, Namespace

from rich.console import Console
from rich.table import Table

from reasonflux.cli.command import Command, console
from reasonflux.storage.progress import RunStatus, read_status


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("run", help="run directory or URI")
    parser.add_argument("--json", action="store_true", help="everything as one line of JSON")


def _run(arguments: Namespace) -> int:
    status = read_status(arguments.run)
    if arguments.json:
        print(json.dumps(status.to_json()))
        return 0
    _show(status, console())
    return 0


def _show(status: RunStatus, terminal: Console) -> None:
    if status.stages or not status.inside:
        terminal.print(_table(status))
    for line in _words(status):
        terminal.print(line)
    for run in status.inside:
        _show(run, terminal)


def _table(status: RunStatus) -> Table:
    table = Table(title=status.uri, title_justify="left")
    for column in ("stage", "done", "expected", "failed", ""):
        table.add_column(column, justify="left" if column in ("stage", "") else "right")
    for stage in status.stages:
        expected = "?" if stage.expected is None else f"{stage.expected:,}"
        table.add_row(stage.name, f"{stage.done:,}", expected, f"{stage.failed:,}", "done" if stage.finished else "")
    return table


def _words(status: RunStatus) -> list[str]:
    lines = [f"{count:,} × {reason}" for reason, count in status.failures.items()]
    if status.ended_inside:
        lines.append(f"finished inside: {', '.join(status.ended_inside)}")
    if status.finished:
        return [*lines, "finished"]
    if status.last is not None:
        last = status.last
        eta = "" if status.eta_s is None else f", about {status.eta_s / 60:,.1f} minutes to its end"
        lines.append(f"{last.stage} {last.state} at {last.time}: {last.rows_per_s:,.1f} rows/s{eta}")
    return [*lines, f"driver: {status.holder or 'none yet'}"]


COMMAND = Command(help="how far a run is: rows, rate, failures by reason", arguments=_arguments, run=_run)
