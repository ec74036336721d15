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
from pathlib import Path

import psutil

from reasonflux.distributed.runtime import LOCAL_CPUS
from reasonflux.errors import Deadline, EngineError

logger = logging.getLogger(__name__)

START_DEADLINE_S = 120.0
STOP_DEADLINE_S = 5.0
PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass(frozen=True)
class LocalHead:
    """Where a local Ray can be reached."""

    address: str  # for drivers: RAY_ADDRESS
    dashboard: str  # for `ray job submit --address`


@contextmanager
def local_head(cpus: int = LOCAL_CPUS, start_deadline_s: float = START_DEADLINE_S) -> Iterator[LocalHead]:
    """Starts `ray start --head --block` and gives its addresses; ends exactly that process tree after.

    The token is in `RAY_AUTH_TOKEN` of this process, so that children reach the head. Raises `Deadline` when the
    dashboard does not answer in time and `EngineError` when Ray ends early.
    """
    port, dashboard = _free_port(), _free_port()
    os.environ["RAY_AUTH_MODE"] = "token"
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    with tempfile.TemporaryDirectory(prefix="rf-", ignore_cleanup_errors=True) as directory:
        log = Path(directory) / "ray-start.log"
        # `python` of a job's entry point is looked up by the head's PATH: this environment's comes first.
        environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
        with log.open("wb") as output:
            head = subprocess.Popen(
                _command(port, dashboard, cpus, directory),
                env=environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )
        try:
            _wait_ready(head, dashboard, log, start_deadline_s)
            yield LocalHead(address=f"127.0.0.1:{port}", dashboard=f"http://127.0.0.1:{dashboard}")
        finally:
            if head.poll() is not None:
                logger.error("the local Ray ended early, status %s: %s", head.returncode, _tail(log))
            _stop(head)


def _command(port: int, dashboard: int, cpus: int, directory: str) -> list[str]:
    return [
        *(sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--disable-usage-stats"),
        *("--node-ip-address=127.0.0.1", f"--port={port}", f"--num-cpus={cpus}", f"--temp-dir={directory}/ray"),
        *("--dashboard-host=127.0.0.1", f"--dashboard-port={dashboard}"),
    ]


def _end_with_parent() -> None:
    """In the child: the kernel ends it when its parent is killed, so that no Ray is left behind (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_ready(head: subprocess.Popen[bytes], dashboard: int, log: Path, deadline_s: float) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{dashboard}/api/version", headers={"Authorization": f"Bearer {os.environ['RAY_AUTH_TOKEN']}"}
    )
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        if head.poll() is not None:
            raise EngineError(f"ray start ended with status {head.returncode}: {_tail(log)}", "Mend what it names")
        try:
            with urllib.request.urlopen(request, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise Deadline(f"the local Ray's dashboard did not answer within {deadline_s:.0f} s: {_tail(log)}")


def _tail(log: Path) -> str:
    return " ".join(log.read_text(errors="replace").split()[-60:])


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
