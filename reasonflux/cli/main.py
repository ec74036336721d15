"""Parses the command line, runs one subcommand, and turns the project's errors into one line and an exit status."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

from reasonflux.cli import (
    compare,
    contamination,
    explain,
    export,
    fsck,
    library_check,
    library_credit,
    report,
    rounds_show,
    solve,
    status,
    submit,
)
from reasonflux.cli.command import Command
from reasonflux.errors import BadInput, ReasonFluxError

COMMANDS: dict[str, Command | dict[str, Command]] = {
    "compare": compare.COMMAND,
    "contamination": contamination.COMMAND,
    "explain": explain.COMMAND,
    "export": {
        "plans": export.PLANS,
        "long-cot": export.LONG_COT,
    },
    "fsck": fsck.COMMAND,
    "library": {
        "check": library_check.COMMAND,
        "credit": library_credit.COMMAND,
    },
    "report": report.COMMAND,
    "rounds": {
        "show": rounds_show.COMMAND,
    },
    "solve": solve.COMMAND,
    "status": status.COMMAND,
    "submit": submit.COMMAND,
}


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status: the subcommand's own, or that of the error it raised."""
    try:
        arguments = _parser(COMMANDS).parse_args(argv)
        command: Command = arguments.command
        return command.run(arguments)
    except ReasonFluxError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return error.exit_status


class _Parser(argparse.ArgumentParser):
    """A wrong command line is bad input like any other, told in one line."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(message, f"See {self.prog} --help")


def _parser(commands: Mapping[str, Command | dict[str, Command]]) -> argparse.ArgumentParser:
    parser = _Parser(prog="reasonflux", allow_abbrev=False)
    _add(parser, commands)
    return parser


def _add(parser: argparse.ArgumentParser, commands: Mapping[str, Command | dict[str, Command]]) -> None:
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, command in commands.items():
        if isinstance(command, Command):
            below = subparsers.add_parser(name, help=command.help, description=command.help, allow_abbrev=False)
            command.arguments(below)
            below.set_defaults(command=command)
        else:
            _add(subparsers.add_parser(name, help=", ".join(command), allow_abbrev=False), command)
