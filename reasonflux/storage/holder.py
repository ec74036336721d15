"""Who holds a lease, and whether that process can be seen to be gone."""

import os
import shlex
import socket
import sys
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict

from reasonflux.identity import digest

_TOLERANCE_S = 2.0  # the kernel states the boot time in whole seconds


class Holder(BaseModel):
    """A driver's process, as its lease names it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str
    pid: int
    started: float  # seconds from the host's boot to the process's start; a wall clock may be set, this cannot
    command: str
    place: str = ""  # digest of host, boot and pid namespace: where `pid` means this process; empty matches nowhere

    @classmethod
    def current(cls) -> "Holder":
        """This process."""
        return cls(
            host=socket.gethostname(),
            pid=os.getpid(),
            started=_since_boot(psutil.Process()),
            command=shlex.join(sys.argv)[:200],
            place=_place(),
        )

    @property
    def is_gone(self) -> bool:
        """True when the process was one of this very place and runs no more; False also when that cannot be known."""
        if not self.place or self.place != _place():
            return False
        try:
            process = psutil.Process(self.pid)
            return process.status() == psutil.STATUS_ZOMBIE or abs(_since_boot(process) - self.started) > _TOLERANCE_S
        except psutil.NoSuchProcess:
            return True
        except psutil.AccessDenied:
            return False


def _since_boot(process: psutil.Process) -> float:
    return float(round(process.create_time() - psutil.boot_time(), 2))


def _place() -> str:
    """Containers may share a host's name, and a host its pids with the boot before: only all three together tell."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:
        boot, namespace = str(psutil.boot_time()), ""
    return digest(socket.gethostname(), boot, namespace)
