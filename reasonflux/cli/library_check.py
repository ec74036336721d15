"""`reasonflux library check FILE`: what a library file holds, or every place in it that cannot be loaded."""

import json
import sys
from argparse import ArgumentParser, Namespace

from reasonflux.cli.command import Command, console
from reasonflux.library.check import check_library
from reasonflux.library.load import BadLibrary


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("file", help="path or URI of a library file, or testbed")
    parser.add_argument("--json", action="store_true", help="the counts as one line of JSON")


def _run(arguments: Namespace) -> int:
    """0, or 1 for a file that is no library; a file that is not there is bad usage, 2."""
    try:
        check = check_library(arguments.file)
    except BadLibrary as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 1
    if arguments.json:
        print(json.dumps({"digest": check.library.digest, **check.counts()}))
    else:
        console().print(check.table())
    return 0


COMMAND = Command(help="count and check the templates of a library file", arguments=_arguments, run=_run)
