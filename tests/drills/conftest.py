"""What drills share: one local Ray, and drivers that reach it."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from reasonflux.distributed.local_head import LocalHead, local_head
from tests.conftest import S3Server
from tests.drills.drivers import Driver, ids_of, small_config, wait_for_parts
from tests.written import SECRETS, leaked

REAL_SETS = {"math500.jsonl": 100, "math_train.jsonl": 500}  # of the shared data, and problems of each


@pytest.fixture(scope="session")
def head(s3_server_process: S3Server) -> Iterator[LocalHead]:
    """A token-protected Ray that believes in two GPUs and whose workers know the S3 server; in RAY_ADDRESS.

    Its environment, and that of drivers, holds secrets that nothing may write down, Ray's own logs among it.
    """
    before = dict(os.environ)
    os.environ.update(s3_server_process.env | SECRETS)
    with local_head(gpus=2) as started:
        os.environ.clear()
        os.environ.update(before | SECRETS | {"RAY_ADDRESS": started.address})
        yield started
        found = leaked(Path(started.directory))
    os.environ.clear()
    os.environ.update(before)
    assert found == []


def replica_pids(prefix: str) -> list[int]:
    """Processes of the Serve replicas whose application's name begins with a prefix."""
    title = f"ray::ServeReplica:{prefix}"
    commands = ((process.pid, process.info["cmdline"] or [""]) for process in psutil.process_iter(["cmdline"]))
    return [pid for pid, command in commands if command[0].startswith(title)]


@dataclass(frozen=True)
class Ran:
    """A run that has ended, its config, and what it printed."""

    config: Path
    summary: dict[str, Any]

    def ids(self) -> dict[str, list[str]]:
        """By stage; fails for one that stands twice."""
        root, _, name = self.summary["run"].rpartition("/")
        return ids_of(root, name)


@pytest.fixture(scope="session")
def lasting_runs(
    tmp_path_factory: pytest.TempPathFactory,
    head: LocalHead,
    s3_server_process: S3Server,
    shared_data: Callable[[str], Path],
) -> dict[str, Ran]:
    """Runs of one driver on one pair of real engines, which take longer to start than most runs to be done.

    The reasoner's replica is killed in the middle of `replica`; `undisturbed` lies on S3; the others are of real sets.
    """
    place = tmp_path_factory.mktemp("lasting")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3_server_process.env.items():
            patch.setenv(name, value)
        bucket = s3_server_process.new_bucket()
        configs = {
            # With many calls in flight, some are under way whenever the replica dies.
            "replica": small_config(place / "replica.yaml", str(place), "replica", stream={"calls_in_flight": 8}),
            "undisturbed": small_config(place / "undisturbed.yaml", f"{bucket}/runs", "undisturbed"),
            **{file: _real(place, path, count) for file, path, count in _real_sets(shared_data)},
        }
        driver = Driver.of("-m", "tests.drills.lasting_driver", *map(str, configs.values()))
        wait_for_parts(place / "replica", "rollouts", 2, driver)
        (pid,) = replica_pids("lasting-reasoner")
        os.kill(pid, signal.SIGKILL)
        summaries = driver.outcomes(900)
    return {name: Ran(config, summary) for (name, config), summary in zip(configs.items(), summaries, strict=True)}


def _real_sets(shared_data: Callable[[str], Path]) -> Iterator[tuple[str, Path, int]]:
    """Those that are at hand; a test of another one says so."""
    for file, count in REAL_SETS.items():
        with suppress(pytest.skip.Exception):
            yield file, shared_data(f"data/{file}"), count


def _real(place: Path, path: Path, count: int) -> Path:
    """The config of a run on the first problems of a real set."""
    return small_config(
        place / f"{path.stem}.yaml",
        str(place),
        path.stem.replace("_", "-"),
        problems={
            "source": "jsonl",
            "path": str(path),
            "split": "test",
            "limit": count,
            "fields": {"text": "problem", "gold": "answer"},
        },
        similar={"provider": "nearest", "count": 2},
        sampling={"trajectories": 2, "rollouts_own": 1, "rollouts_similar": 1},
        stream={"shard_problems": 64, "rows_per_part": 64, "calls_in_flight": 4},
    )
