"""One local Ray and one engine a session: their start-up is what integration tests cost most."""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from reasonflux.checkpoints import checkpoint_digest
from reasonflux.config import EngineSpec
from reasonflux.distributed.engine_client import EngineClient
from reasonflux.distributed.engines import stats
from tests.written import SECRETS, leaked


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[str]:
    """A local Ray of the session's own; gives its address.

    Its environment, and that of the tests, holds secrets that nothing may write down, Ray's own logs among it.
    """
    import ray
    from ray import serve

    before = dict(os.environ)
    os.environ.update(SECRETS)
    with tempfile.TemporaryDirectory(prefix="rf-", ignore_cleanup_errors=True) as directory:  # socket paths are short
        context = ray.init(
            address="local",
            num_cpus=8,
            resources={"accelerator": 2},
            include_dashboard=False,
            log_to_driver=False,
            _temp_dir=directory,
        )
        yield context.address_info["gcs_address"]
        serve.shutdown()
        ray.shutdown()
        os.environ.clear()
        os.environ.update(before)
        assert leaked(Path(directory)) == []


def command_line(process: psutil.Process) -> str:
    """What a process was started with; nothing where it has just ended."""
    with suppress(psutil.NoSuchProcess):
        return " ".join(process.cmdline())
    return ""


@dataclass(frozen=True)
class Engine:
    """An engine that runs, and how to call it."""

    name: str
    spec: EngineSpec
    checkpoint: str

    def client(self, **settings: float) -> EngineClient:
        return EngineClient(self.name, **settings)  # type: ignore[arg-type]

    async def truncated(self) -> int:
        """How many of its answers were as long as they might be."""
        return (await asyncio.to_thread(stats, self.name)).get("truncated", 0)

    async def answers_more_than(self, truncated: int) -> None:
        """Returns once there are more: the first of what was asked for is done, and the rest is at work."""
        while await self.truncated() <= truncated:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random-weight model of 2.4M parameters."""
    from reasonflux.distributed.random_model import write_random_model

    return write_random_model(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="session")
def tiny_engine(ray_cluster: str, tiny_model: Path) -> Engine:
    """The tiny model on a real engine, context of 512 tokens."""
    from reasonflux.distributed.engines import deploy

    spec = EngineSpec(
        model=str(tiny_model),
        device="cpu",
        max_model_len=512,
        max_num_seqs=64,
        cpus_per_replica=1,
        start_deadline_s=300,
    )
    deploy(spec, "tiny", rows_per_call=16)
    return Engine("tiny", spec, checkpoint_digest(str(tiny_model)))
