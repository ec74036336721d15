"""A store of each kind, and child processes that can be killed."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reasonflux.storage.store import Store
from tests.conftest import S3Server
from tests.unit.storage.helpers import Child, kill

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(params=["local", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store: every test that takes it runs on a directory and on S3."""
    if request.param == "local":
        return Store.at(tmp_path / "run")
    store: Store = request.getfixturevalue("on_s3")
    return store


@pytest.fixture
def on_s3(s3_server: S3Server) -> Store:
    """An empty store on S3."""
    return Store.at(s3_server.new_bucket()).child("some", "run")


@pytest.fixture
def local(tmp_path: Path) -> Store:
    """An empty local store."""
    return Store.at(tmp_path / "run")


@pytest.fixture
def child() -> Iterator[Callable[..., Child]]:
    """Starts Python code in a process of its own, its output readable line by line; kills what is left at the end."""
    started: list[Child] = []

    def start(code: str, *arguments: str) -> Child:
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        kill(process)
        process.communicate()
