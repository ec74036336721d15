"""What drills share: one local Ray, and drivers that reach it."""

import os
from collections.abc import Callable, Iterator

import psutil
import pytest

from reasonflux.distributed.local_head import LocalHead, local_head
from tests.conftest import S3Server


@pytest.fixture(scope="session")
def head(s3_server_process: S3Server) -> Iterator[LocalHead]:
    """A token-protected Ray that believes in two GPUs and whose workers know the S3 server; in RAY_ADDRESS."""
    before = dict(os.environ)
    os.environ.update(s3_server_process.env)
    with local_head(gpus=2) as started:
        os.environ.clear()
        os.environ.update(before | {"RAY_ADDRESS": started.address})
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
