"""What a subcommand is."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console

WIDTH = 120  # of tables where no terminal says otherwise


@dataclass(frozen=True, kw_only=True)
class Command:
    """One subcommand. `run` returns the exit status; what it raises of the project's errors is told in one line."""

    help: str
    arguments: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], int]


def console() -> Console:
    """Where a command prints; texts stand as they are, whatever brackets they hold."""
    return Console(width=None if sys.stdout.isatty() else WIDTH, markup=False, highlight=False)
