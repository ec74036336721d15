"""A Ray head of this machine for one job: token-protected, on free ports, ended with the process that started it."""

import ctypes
import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psutil

from reasonflux.distributed.runtime import LOCAL_CPUS
from reasonflux.errors import Deadline

logger = logging.getLogger(__name__)

ROOT = Path(__file__).parents[2]  # where jobs that are submitted without a package of the project begin
START_DEADLINE_S = 120.0
STOP_DEADLINE_S = 5.0
STARTED = b"Ray runtime started"  # what `ray start` prints once the node is up
PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass(frozen=True)
class LocalHead:
    """Where a local Ray can be reached."""

    address: str  # for drivers: RAY_ADDRESS
    dashboard: str  # for `ray job submit --address`
    directory: str = ""  # where Ray keeps its logs while it runs


@contextmanager
def local_head(
    cpus: int = LOCAL_CPUS, gpus: int | None = None, start_deadline_s: float = START_DEADLINE_S
) -> Iterator[LocalHead]:
    """Starts `ray start --head --block` and gives its addresses; ends exactly that process tree after.

    `gpus`: how many Ray is to believe in, for hand-overs without any; None leaves the counting to Ray.

    The token is in `RAY_AUTH_TOKEN` of this process, so that children reach the head. Raises `Deadline` when Ray does
    not run in time, with what it printed last.
    """
    os.environ["RAY_AUTH_MODE"] = "token"
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    with tempfile.TemporaryDirectory(prefix="rf-", ignore_cleanup_errors=True) as directory:
        process, head, log = _start(cpus, gpus, directory, time.monotonic() + start_deadline_s)
        try:
            yield head
        finally:
            if process.poll() is not None:
                logger.error("the local Ray ended early, status %s: %s", process.returncode, _tail(log))
            _stop(process)


def _start(cpus: int, gpus: int | None, directory: str, end: float) -> tuple[subprocess.Popen[bytes], LocalHead, Path]:
    """A head that runs. Ray gives up on itself after 30 s on a busy machine; then it is started again, until `end`."""
    # `python` of a job's entry point is looked up by the head's PATH: this environment's comes first.
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    for attempt in count():
        port, dashboard = _free_port(), _free_port()
        log = Path(directory) / f"ray-start-{attempt}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                _command(port, dashboard, cpus, gpus, f"{directory}/{attempt}"),
                env=environment,
                cwd=ROOT,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )
        if _ready(process, dashboard, log, end):
            break
        _stop(process)
        if time.monotonic() > end:
            raise Deadline(
                f"the local Ray did not start in time: {_tail(log)}", "Is the machine busy, or out of memory?"
            )
        logger.warning("the local Ray did not start: %s; trying again", _tail(log))
    head = LocalHead(f"127.0.0.1:{port}", f"http://127.0.0.1:{dashboard}", f"{directory}/{attempt}/ray")
    return process, head, log


def _command(port: int, dashboard: int, cpus: int, gpus: int | None, directory: str) -> list[str]:
    return [
        *(sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--disable-usage-stats"),
        *("--node-ip-address=127.0.0.1", f"--port={port}", f"--num-cpus={cpus}", f"--temp-dir={directory}/ray"),
        *("--dashboard-host=127.0.0.1", f"--dashboard-port={dashboard}"),
        "--include-log-monitor=false",  # it reads all logs for drivers that show them; jobs have their own
        # With these left at Ray's fixed defaults, a second Ray on the machine has an agent that takes no jobs.
        *(f"--dashboard-agent-listen-port={_free_port()}", f"--ray-client-server-port={_free_port()}"),
        *([] if gpus is None else [f"--num-gpus={gpus}"]),
    ]


def _end_with_parent() -> None:
    """In the child: the kernel ends it when its parent is killed, so that no Ray is left behind (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _ready(process: subprocess.Popen[bytes], dashboard: int, log: Path, end: float) -> bool:
    """Waits until Ray says that it runs and its dashboard answers; False when it ended instead or time ran out."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{dashboard}/api/version", headers={"Authorization": f"Bearer {os.environ['RAY_AUTH_TOKEN']}"}
    )
    while time.monotonic() < end and process.poll() is None:
        if STARTED in log.read_bytes():
            with suppress(urllib.error.URLError, OSError), urllib.request.urlopen(request, timeout=5):
                return True
        time.sleep(0.2)
    return False


def _tail(log: Path) -> str:
    return " ".join(log.read_text(errors="replace").split())[-600:]


def _stop(head: subprocess.Popen[bytes]) -> None:
    """Ends the head and everything that it started, by their process ids."""
    try:
        family = psutil.Process(head.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        family = []
    if head.poll() is None:
        head.send_signal(signal.SIGTERM)
        try:
            head.wait(STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            head.kill()
            head.wait(STOP_DEADLINE_S)
    for process in psutil.wait_procs(family, timeout=1)[1]:
        with suppress(psutil.NoSuchProcess):
            process.kill()
