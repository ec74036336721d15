"""`reasonflux submit JOB --cluster NAME …`: a job on a running cluster, and its log until it ends."""

import subprocess
import sys
from argparse import REMAINDER, ArgumentParser, Namespace
from pathlib import Path

from reasonflux.cli.command import Command
from reasonflux.errors import BadInput

JOBS = Path(__file__).parents[2] / "jobs"
SUBMIT = JOBS / "submit.py"  # the one way to submit; what needs Ray is there
NOT_FOR_CLUSTERS = {"submit", "train_testbed"}
OWN = ("--cluster", "--address")  # of jobs/submit.py; all else is the job's


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("job", help=f"one of {', '.join(_jobs())}")
    help_of = "--cluster NAME (of cluster/shapes, or a YAML file) or --address URL, --show, and the job's own arguments"
    parser.add_argument("rest", nargs=REMAINDER, help=help_of)


def _run(arguments: Namespace) -> int:
    """The job's own exit status."""
    if arguments.job not in _jobs():
        raise BadInput(f"there is no job {arguments.job!r}", f"It is one of {', '.join(_jobs())}")
    own, rest = split(arguments.rest)
    return subprocess.call([sys.executable, str(SUBMIT), *own, "--", f"jobs/{arguments.job}.py", *rest])


def split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """The arguments of jobs/submit.py, and those of the job."""
    own: list[str] = []
    rest: list[str] = []
    left = iter(arguments)
    for each in left:
        if each == "--show" or each.startswith(tuple(f"{name}=" for name in OWN)):
            own.append(each)
        elif each in OWN:
            own += [each, *[value for value in (next(left, None),) if value is not None]]
        else:
            rest.append(each)
    return own, rest


def _jobs() -> list[str]:
    return sorted({path.stem for path in JOBS.glob("*.py")} - NOT_FOR_CLUSTERS)


COMMAND = Command(help="run a job on a cluster and follow its log", arguments=_arguments, run=_run)
