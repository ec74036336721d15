"""What every job has in common: its arguments, its log, and one line for an error."""

import argparse
import atexit
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol, TextIO, TypeVar

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

from reasonflux import logs
from reasonflux.clusters import Cluster, load_cluster
from reasonflux.configuring import load_config
from reasonflux.distributed import metrics
from reasonflux.errors import BadInput, ReasonFluxError

logger = logging.getLogger(__name__)

C = TypeVar("C", bound=BaseModel)

LOG_WIDTH = 120  # of tables where no terminal says otherwise

_answers: TextIO | None = None  # standard output, while `run_job` keeps it for what is shown


class Plan(Protocol):
    """What a job would do."""

    def to_json(self) -> dict[str, Any]: ...
    def table(self) -> Table: ...
    def words(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class JobArguments:
    """What the command line asks for beside the config."""

    plan: bool
    json: bool
    cluster: Cluster | None = None  # to plan for

    def show_plan(self, plan: Plan) -> None:
        """What would run, and where; for `--plan`."""
        self.show(plan.to_json(), plan.table(), *plan.words())

    def show(self, plain: Any, *rich: Any) -> None:
        """One JSON line for machines, or the tables and words for people."""
        out = _answers or sys.stdout
        if self.json:
            print(json.dumps(plain, allow_nan=False, sort_keys=True), file=out, flush=True)
            return
        console = Console(file=out, width=None if out.isatty() else LOG_WIDTH)
        for part in rich:
            console.print(part, highlight=False, soft_wrap=isinstance(part, str))
        out.flush()


def job_arguments(model: type[C], doc: str | None) -> tuple[JobArguments, C]:
    """Reads `--config`, `--set key=value` (repeatable), `--plan`, `--cluster` and `--json`; raises `BadInput`."""
    parser = _Parser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("--config", required=True, help="YAML file")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override, dotted; repeatable")
    parser.add_argument("--plan", action="store_true", help="print what would run, and stop")
    parser.add_argument("--json", action="store_true", help="print the result as one line of JSON")
    help_of = "with --plan: what would run there; a name of cluster/shapes or a YAML file like those"
    parser.add_argument("--cluster", metavar="NAME", help=help_of)
    arguments = parser.parse_args()
    if arguments.cluster and not arguments.plan:
        raise BadInput("--cluster goes with --plan", "To run there: python -m reasonflux submit JOB --cluster NAME")
    config = load_config(model, arguments.config, arguments.set)
    cluster = load_cluster(arguments.cluster) if arguments.cluster else None
    return JobArguments(plan=arguments.plan, json=arguments.json, cluster=cluster), config


def run_job(main: Callable[[], None]) -> int:
    """Runs a job's main; one clear line and the error's exit status for what the project knows to go wrong.

    Standard output holds what `JobArguments.show` was given and nothing else.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logs.formatter())
    logging.basicConfig(level=os.environ.get("REASONFLUX_LOG", "INFO"), handlers=[handler])
    try:
        with _stdout_for_answers():
            main()
            metrics.linger()
    except ReasonFluxError as error:
        told = getattr(error, "cause", error)  # of an error that comes out of a task, without Ray's traceback
        _tell(str(told), error.exit_status)
        return error.exit_status
    return 0


@contextmanager
def _stdout_for_answers() -> Iterator[None]:
    """Whatever else is written to standard output goes to standard error: Ray prints there what becomes of its nodes.

    Both ways are closed to it, Python's and that of processes and libraries that know the descriptor alone.
    """
    global _answers
    before = sys.stdout
    before.flush()
    with os.fdopen(os.dup(1), "w", encoding=before.encoding) as kept, redirect_stdout(sys.stderr):
        os.dup2(2, 1)
        _answers = kept
        try:
            yield
        finally:
            _answers = None
            before.flush()  # of whoever has kept it
            os.dup2(kept.fileno(), 1)
            atexit.unregister(_close_stdout)
            atexit.register(_close_stdout)  # what is registered last runs first: Ray still tells of nodes as it ends


def _close_stdout() -> None:
    """Nobody has an answer to give while the process ends."""
    os.dup2(2, 1)


def _tell(error: str, exit_status: int) -> None:
    """The one line of an error, as an event where events are JSON."""
    if logs.as_json():
        logger.error(error, extra={"fields": {"exit_status": exit_status}})
    else:
        print(f"error: {error}", file=sys.stderr, flush=True)


class _Parser(argparse.ArgumentParser):
    """A wrong command line is bad input like any other, told in one line; help is an answer."""

    def print_help(self, file: Any = None) -> None:
        super().print_help(file or _answers)

    def error(self, message: str) -> NoReturn:
        raise BadInput(message, "See --help")
