"""What drills share: one local Ray, and drivers that reach it."""

import os
from collections.abc import Callable, Iterator

import psutil
import pytest

from reasonflux.distributed.local_head import LocalHead, local_head


@pytest.fixture(scope="session")
def head() -> Iterator[LocalHead]:
    """A token-protected Ray of this machine; child processes find it through the environment."""
    before = dict(os.environ)
    with local_head() as started:
        os.environ["RAY_ADDRESS"] = started.address
        yield started
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def replica_pids() -> Callable[[str], list[int]]:
    """Processes of the Serve replicas whose application's name begins with a prefix."""

    def find(prefix: str) -> list[int]:
        title = f"ray::ServeReplica:{prefix}"
        found = []
        for process in psutil.process_iter(["cmdline"]):
            command = process.info["cmdline"] or [""]
            if command[0].startswith(title):
                found.append(process.pid)
        return found

    return find
