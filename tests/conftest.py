"""What tests of every room share: an S3 server, and real data where it is at hand."""

import gc
import os
import secrets
import subprocess
import sys
import uuid
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.written import SECRETS

REPOSITORY = Path(__file__).parent.parent

# The machines that run this are shared: a slow example says nothing of the code. Examples are bounded in number.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")

# Ray reads these once, when it is first imported: every local Ray of the tests has a token of the session's own, and
# workers at the tests' own priority.
os.environ["RAY_AUTH_MODE"] = "token"
os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
os.environ.update(RAY_worker_niceness="0")
os.environ.pop("RAY_ADDRESS", None)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Generator[None, object, object]:
    """What collecting makes lives as long as the session: to look through it again and again took half of all time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@dataclass(frozen=True)
class S3Server:
    """A running S3 server. `env` holds what a process needs to talk to it and to nothing else."""

    endpoint: str

    @property
    def env(self) -> dict[str, str]:
        """AWS variables; hand them to child processes and Ray's `runtime_env`."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": SECRETS["AWS_SECRET_ACCESS_KEY"],
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "NO_PROXY": "127.0.0.1",
        }

    def new_bucket(self) -> str:
        """The URI of a bucket that nothing else uses. The process's environment must hold `env`."""
        import s3fs

        name = f"bucket-{uuid.uuid4().hex[:12]}"
        s3fs.S3FileSystem().call_s3("create_bucket", Bucket=name)
        return f"s3://{name}"


@pytest.fixture(scope="session")
def s3_server_process() -> Iterator[S3Server]:
    """One S3 server a session."""
    command = [sys.executable, str(REPOSITORY / "tests" / "s3_server.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert port.isdigit(), "the S3 server did not start"
        yield S3Server(f"http://127.0.0.1:{port}")
        process.terminate()


@pytest.fixture
def s3_server(s3_server_process: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """The session's S3 server, with the environment pointing at it for the length of one test."""
    for name, value in s3_server_process.env.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    return s3_server_process


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """Finds a file or folder of the shared data by its path there; skips the test where that data is not at hand."""
    root = Path(os.environ.get("REASONFLUX_SHARED") or REPOSITORY.parent / "shared")

    def find(path: str) -> Path:
        found = root / path
        if not found.exists():
            pytest.skip(f"the shared data is not at hand: no {path} in REASONFLUX_SHARED or ../shared")
        return found

    return find
