"""The real pipeline on sleeping engines: one driver at a time on a local Ray, watched from outside."""

import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.performance.cluster_model import FULL
from benchmarks.performance.latency_model import FOUR_A100
from benchmarks.performance.scripted_engine import ROOT, sums_job
from benchmarks.performance.sleeping_engine import TimedScript, sleeping
from reasonflux.config import EngineSpec, PairsJob, StreamConfig
from reasonflux.distributed.engine_options import rows_in_flight

MIB = 1 << 20
EVERY_S = 0.5
CLIENTS = "MapBatches(_Worker)"  # in the title of Ray Data's actors that call engines
CHILD = "benchmarks.performance.simulate_cluster"


@dataclass(frozen=True, kw_only=True)
class Setup:
    """One run. Replicas have fewer places than real ones: two cores make so many rows a second and no more."""

    replicas: int
    problems: int
    places: int = 64
    scale: float = 2.0
    clients: int = 2
    rows_per_part: int = 32

    @property
    def rows_in_flight(self) -> int:
        """Of a client, as the pipeline sets it."""
        return rows_in_flight(self.stream, EngineSpec(model="", device="cpu", **self._engine))

    @property
    def stream(self) -> StreamConfig:
        """How the work is cut up."""
        return StreamConfig(shard_problems=128, clients=self.clients, rows_per_part=self.rows_per_part)

    @property
    def _engine(self) -> dict[str, Any]:
        """Replicas as small as Ray lets them be."""
        return {"replicas": self.replicas, "max_num_seqs": self.places, "cpus_per_replica": 0.1}

    def script(self, accounts: str) -> TimedScript:
        """What the engines are told."""
        speed = FOUR_A100.model_copy(update={"places": self.places})
        return TimedScript(speed=speed, scale=self.scale, accounts=accounts, right=0.5)

    def job(self, directory: Path) -> PairsJob:
        """The main job."""
        return sums_job("cluster", directory, self.problems, self.stream, **self._engine)


@dataclass(frozen=True, kw_only=True)
class StageRun:
    """One stage that asks engines, from its first request to its last completion. Simulated seconds, but for CPU."""

    rows: int
    seconds: float
    busy: float  # share of places × seconds
    tail_s: float
    driver_s: float  # CPU, wall's
    client_s: float
    replica_s: float


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One run."""

    setup: Setup
    stages: dict[str, StageRun]  # by role
    between_s: float  # from the last plan to the first rollout's request, wall's
    wall: dict[str, float]  # seconds by stage
    driver_s: float  # CPU of the whole
    driver_peak: float  # MiB, resident


def measure(setup: Setup, directory: Path) -> Measured:
    """Runs one driver to its end; raises `RuntimeError` with its last words when it fails."""
    accounts, log = directory / "accounts", directory / "driver.log"
    (directory / "job.json").write_text(setup.job(directory).model_dump_json())
    (directory / "script.json").write_text(setup.script(str(accounts)).model_dump_json())
    with log.open("wb") as errors:
        command = [sys.executable, "-m", CHILD, "--child", str(directory)]
        child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True)
        samples = _watched(child)
        out = child.stdout.read() if child.stdout else ""
    if child.returncode:
        raise RuntimeError(f"the driver ended with status {child.returncode}: {log.read_text()[-3000:]}")
    told = json.loads([line for line in out.splitlines() if line.startswith("{")][-1])  # Ray prints there, too
    replicas = [[json.loads(line) for line in path.open()] for path in sorted(accounts.glob("*.jsonl"))]
    stages = {
        role: _stage(role, told["rows"][name], setup, replicas, samples)
        for role, name in (("navigator", "trajectories"), ("reasoner", "rollouts"))
    }
    return Measured(
        setup=setup,
        stages=stages,
        between_s=_edge(replicas, "first", "reasoner", min) - _edge(replicas, "last", "navigator", max),
        wall=told["stage_seconds"],
        driver_s=samples[-1]["driver_s"],
        driver_peak=max(sample["rss"] for sample in samples),
    )


def drive(directory: Path) -> None:
    """The driver: runs the job, and prints what only it knows as one line of JSON."""
    from reasonflux.distributed import runtime
    from reasonflux.distributed.generate import generate_pairs

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    job = PairsJob.model_validate_json((directory / "job.json").read_text())
    script = TimedScript.model_validate_json((directory / "script.json").read_text())
    runtime.connect()
    execution = generate_pairs(job, deploy=sleeping(script)).execution
    print(json.dumps({"rows": execution.rows, "stage_seconds": execution.seconds}))


def _watched(child: "subprocess.Popen[str]") -> list[dict[str, float]]:
    """A sample every `EVERY_S` until the driver ends: wall clock, its CPU and memory, its clients' CPU."""
    samples: list[dict[str, float]] = []
    spent: dict[int, float] = {}  # by client's process, which ends with its stage; since it was first seen
    first: dict[int, float] = {}
    driver, reading = psutil.Process(child.pid), threading.Event()
    while child.poll() is None:
        try:
            used, memory = driver.cpu_times(), driver.memory_info()
            for process in psutil.process_iter(["cmdline"]):
                if CLIENTS in (process.info["cmdline"] or [""])[0]:
                    times = process.cpu_times()
                    used_s = times.user + times.system
                    spent[process.pid] = used_s - first.setdefault(process.pid, used_s)  # not its start
        except psutil.NoSuchProcess:
            continue
        sample = {"at": time.time(), "driver_s": used.user + used.system, "rss": memory.rss / MIB}
        samples.append(sample | {"client_s": sum(spent.values())})
        reading.wait(EVERY_S)
    return samples


def _stage(
    role: str, rows: int, setup: Setup, replicas: list[list[dict[str, Any]]], samples: Sequence[dict[str, float]]
) -> StageRun:
    start, end = _edge(replicas, "first", role, min), _edge(replicas, "last", role, max)
    grid = np.arange(start, end, 1.0)
    taken = sum(_at(replica, "place_s", grid) for replica in replicas)
    places = setup.replicas * setup.places * setup.scale
    shares = np.diff(taken) / places
    full = np.flatnonzero(shares >= FULL)
    places_s = sum(float(np.diff(_at(replica, "place_s", [start, end]))[0]) for replica in replicas)
    return StageRun(
        rows=rows,
        seconds=(end - start) * setup.scale,
        busy=places_s / (end - start) / places,
        tail_s=(end - (grid[full[-1] + 1] if len(full) else start)) * setup.scale,
        driver_s=float(np.diff(_at(samples, "driver_s", [start, end]))[0]),
        client_s=float(np.diff(_at(samples, "client_s", [start, end]))[0]),
        replica_s=sum(float(np.diff(_at(replica, "cpu_s", [start, end]))[0]) for replica in replicas),
    )


def _at(samples: Sequence[dict[str, Any]], what: str, times: Any) -> Any:
    """What the samples say at some times of the wall's clock, between two of them by the straight line."""
    return np.interp(times, [sample["at"] for sample in samples], [sample[what] for sample in samples])


def _edge(replicas: list[list[dict[str, Any]]], what: str, role: str, choose: Callable[..., float]) -> float:
    """When the replicas met a role's first request, or ended its last."""
    return choose(replica[-1][what][role] for replica in replicas if role in replica[-1][what])
