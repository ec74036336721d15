"""What drills share: one local Ray, and drivers that reach it."""

import os
from collections.abc import Callable, Iterator

import psutil
import pytest

from reasonflux.distributed.local_head import LocalHead, local_head
from tests.conftest import S3Server


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


@pytest.fixture
def s3_head(s3_server: S3Server) -> Iterator[LocalHead]:
    """A Ray whose workers know the S3 server: its processes take the environment that they are started in."""
    saved = os.environ.get("RAY_ADDRESS")
    with local_head() as started:
        os.environ["RAY_ADDRESS"] = started.address
        yield started
    if saved is None:
        os.environ.pop("RAY_ADDRESS")
    else:
        os.environ["RAY_ADDRESS"] = saved
