"""What every job has in common: its arguments, its log, and one line for an error."""

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel
from rich.console import Console

from reasonflux import logs
from reasonflux.configuring import load_config
from reasonflux.distributed import metrics
from reasonflux.errors import BadInput, ReasonFluxError

logger = logging.getLogger(__name__)

C = TypeVar("C", bound=BaseModel)

LOG_WIDTH = 120  # of tables where no terminal says otherwise


@dataclass(frozen=True)
class JobArguments:
    """What the command line asks for beside the config."""

    plan: bool
    json: bool
    cluster: str | None = None  # to plan for

    def show(self, plain: Any, *rich: Any) -> None:
        """One JSON line for machines, or the tables and words for people."""
        if self.json:
            print(json.dumps(plain, allow_nan=False, sort_keys=True))
            return
        console = Console(width=None if sys.stdout.isatty() else LOG_WIDTH)
        for part in rich:
            console.print(part, highlight=False, soft_wrap=isinstance(part, str))


def job_arguments(model: type[C], doc: str | None, *, clusters: bool = False) -> tuple[JobArguments, C]:
    """Reads `--config`, `--set key=value` (repeatable), `--plan` and `--json`; raises `BadInput`.

    With `clusters` there is `--cluster NAME`, the described cluster that is planned for.
    """
    parser = _Parser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("--config", required=True, help="YAML file")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override, dotted; repeatable")
    parser.add_argument("--plan", action="store_true", help="print what would run, and stop")
    parser.add_argument("--json", action="store_true", help="print the result as one line of JSON")
    if clusters:
        help_of = "with --plan: what would run there; a name of cluster/shapes or a YAML file like those"
        parser.add_argument("--cluster", metavar="NAME", help=help_of)
    arguments = parser.parse_args()
    cluster = getattr(arguments, "cluster", None)
    if cluster and not arguments.plan:
        raise BadInput("--cluster goes with --plan", "To run there: python -m reasonflux submit JOB --cluster NAME")
    config = load_config(model, arguments.config, arguments.set)
    return JobArguments(plan=arguments.plan, json=arguments.json, cluster=cluster), config


def run_job(main: Callable[[], None]) -> int:
    """Runs a job's main; one clear line and the error's exit status for what the project knows to go wrong."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logs.formatter())
    logging.basicConfig(level=os.environ.get("REASONFLUX_LOG", "INFO"), handlers=[handler])
    try:
        main()
        metrics.linger()
    except ReasonFluxError as error:
        told = getattr(error, "cause", error)  # of an error that comes out of a task, without Ray's traceback
        _tell(str(told), error.exit_status)
        return error.exit_status
    return 0


def _tell(error: str, exit_status: int) -> None:
    """The one line of an error, as an event where events are JSON."""
    if logs.as_json():
        logger.error(error, extra={"fields": {"exit_status": exit_status}})
    else:
        print(f"error: {error}", file=sys.stderr, flush=True)


class _Parser(argparse.ArgumentParser):
    """A wrong command line is bad input like any other, told in one line."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(message, "See --help")
