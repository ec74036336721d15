"""Memory of the main job's driver at several numbers of problems: it must not grow with them.

Each size is a run of its own: a fresh driver process calls `generate_pairs` on a local Ray, with sums as problems and
a scripted engine behind the real deployment, so that everything but the model is real. The driver's resident memory
is sampled from outside every 0.5 s; Ray's own processes (raylet, GCS) are printed beside it and do not count.

    python -m benchmarks.performance.driver_memory --problems 200 2000 20000
"""

import argparse
import contextlib
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

os.environ.setdefault("RAY_worker_niceness", "0")  # read when Ray is imported

from benchmarks.performance.scripted_engine import ROOT, scripted, sums_job
from reasonflux.config import PairsJob, StreamConfig

MIB = 1 << 20
EVERY_S = 0.5
RAY = ("raylet", "gcs_server")  # processes of the head that are no driver's
FLAT_MIB = 1.0  # per 1,000 problems; what the check of the input keeps of a row is 0.3 of it


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One driver. Memory in MiB, resident; `series` holds (seconds, MiB)."""

    problems: int
    seconds: float
    rows: dict[str, int]  # by stage
    stage_seconds: dict[str, float]
    start: float  # connected to Ray, nothing read
    peak: float
    end: float  # with the summary in hand
    peak_shared: float  # of `peak`, pages shared with other processes: Ray's object store, libraries
    ray_peak: dict[str, float] = field(default_factory=dict)  # by process
    series: list[tuple[float, float]] = field(default_factory=list)


def measure(problems: int, directory: Path, shard_problems: int) -> Measured:
    """Runs one driver to its end and watches it; raises `RuntimeError` with its last words when it fails."""
    job = sums_job("memory", directory, problems, StreamConfig(shard_problems=shard_problems))
    config = directory / "job.json"
    config.write_text(job.model_dump_json())
    log = directory / "driver.log"
    with log.open("wb") as errors:
        command = [sys.executable, "-m", "benchmarks.performance.driver_memory", "--child", str(config)]
        child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True)
        samples = list(watch(child.pid))
        out, _ = child.communicate()
    if child.returncode:
        raise RuntimeError(f"the driver ended with status {child.returncode}: {log.read_text()[-3000:]}")
    told = json.loads(out.splitlines()[-1])
    peak = max(samples, key=lambda sample: sample["rss"])
    return Measured(
        problems=problems,
        seconds=told["seconds"],
        rows=told["rows"],
        stage_seconds=told["stage_seconds"],
        start=told["start"],
        peak=peak["rss"],
        end=told["end"],
        peak_shared=peak["shared"],
        ray_peak={name: max(sample.get(name, 0.0) for sample in samples) for name in RAY},
        series=[(round(sample["at"], 1), round(sample["rss"], 1)) for sample in samples],
    )


def watch(pid: int) -> Iterator[dict[str, float]]:
    """A sample every `EVERY_S` seconds while the process runs: seconds, and MiB of it and of Ray's processes."""
    started, driver = time.monotonic(), psutil.Process(pid)
    daemons = [process for process in psutil.Process().children(recursive=True) if process.name() in RAY]
    with contextlib.suppress(psutil.NoSuchProcess):
        while driver.status() != psutil.STATUS_ZOMBIE:
            memory = driver.memory_info()
            sample = {"at": time.monotonic() - started, "rss": memory.rss / MIB, "shared": memory.shared / MIB}
            yield sample | {daemon.name(): daemon.memory_info().rss / MIB for daemon in daemons}
            time.sleep(EVERY_S)


def drive(config: Path) -> None:
    """The driver: runs the job, and prints what only it knows as one line of JSON."""
    from reasonflux.distributed import runtime
    from reasonflux.distributed.generate import generate_pairs
    from reasonflux.storage.run import Run
    from reasonflux.storage.store import Store

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    job = PairsJob.model_validate_json(config.read_text())
    runtime.connect()
    start = psutil.Process().memory_info().rss / MIB
    outcome = generate_pairs(job, deploy=scripted())
    end = psutil.Process().memory_info().rss / MIB
    manifest: dict[str, Any] = Run(Store.at(job.output.root).child(job.name)).manifest() or {}
    told = {"start": start, "end": end, "seconds": outcome.summary.seconds, "rows": manifest["rows"]}
    print(json.dumps(told | {"stage_seconds": outcome.execution.seconds}))


def growth(measured: list[Measured]) -> float:
    """MiB of peak memory per 1,000 problems, from the smallest run to the largest."""
    small, large = measured[0], measured[-1]
    return (large.peak - small.peak) / (large.problems - small.problems) * 1000


def report(measured: list[Measured]) -> None:
    """The table and the verdict."""
    print(f"{'problems':>9} {'rows':>9} {'seconds':>8} {'start':>7} {'peak':>7} {'shared':>7} {'end':>7}  MiB, driver")
    for each in measured:
        memory = "".join(f" {value:7.1f}" for value in (each.start, each.peak, each.peak_shared, each.end))
        beside = ", ".join(f"{name} {value:.0f}" for name, value in each.ray_peak.items())
        print(f"{each.problems:9,} {sum(each.rows.values()):9,} {each.seconds:8.1f}{memory}  ({beside})")
    for each in measured:
        print(f"{each.problems:,} problems, rows: " + ", ".join(f"{name} {rows:,}" for name, rows in each.rows.items()))
        seconds = ", ".join(f"{name} {spent:.1f}" for name, spent in each.stage_seconds.items())
        print(f"  seconds: {seconds}; {each.seconds / each.problems * 1000:.1f} ms a problem")
    if len(measured) > 1:
        grown = growth(measured)
        verdict = "flat" if grown <= FLAT_MIB else "NOT flat"
        print(f"growth of the peak: {grown:.2f} MiB per 1,000 problems: {verdict} (limit {FLAT_MIB:g})")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, nargs="+", default=[200, 2000, 20_000])
    parser.add_argument("--shard-problems", type=int, default=StreamConfig().shard_problems)
    parser.add_argument("--json", action="store_true", help="one line of JSON instead of the table")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        drive(options.child)
        return 0
    from reasonflux.distributed.local_head import local_head

    measured = []
    with local_head() as head:
        os.environ["RAY_ADDRESS"] = head.address
        for problems in sorted(options.problems):
            with tempfile.TemporaryDirectory() as directory:
                measured.append(measure(problems, Path(directory), options.shard_problems))
            if not options.json:
                print(f"{problems:,} problems done after {measured[-1].seconds:.0f} s", file=sys.stderr)
    if options.json:
        print(json.dumps([asdict(each) for each in measured]))
    else:
        report(measured)
    return 0 if len(measured) < 2 or growth(measured) <= FLAT_MIB else 1


if __name__ == "__main__":
    sys.exit(main())
