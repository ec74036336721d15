"""Real drivers of the main job as processes that can be killed, and what they leave in a run directory."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from reasonflux.pairs.run_stages import RECORDS
from reasonflux.storage.run import Run
from reasonflux.storage.stage import Stage
from reasonflux.storage.store import Store

ROOT = Path(__file__).parents[2]
RUN_DEADLINE_S = 300.0
QUIET = {"RAY_DATA_NON_TTY_PROGRESS_LOG_INTERVAL": "600"}  # s: nobody reads a driver's messages before it ends
PART_ROWS = 16  # of `small_config`


def small_config(path: Path, root: str, name: str, **changes: Any) -> Path:
    """Writes the testbed's config, made small: seconds of work, several shards, several parts a shard."""
    config = yaml.safe_load((ROOT / "jobs/configs/testbed.yaml").read_text())
    config["name"] = name
    config["output"] = {"root": root}
    config["problems"] |= {"count": 48}
    config["sampling"] |= {"trajectories": 4, "rollouts_own": 4, "rollouts_similar": 1}
    config["similar"] |= {"count": 2}
    config["stream"] = {"shard_problems": 12, "rows_per_part": PART_ROWS, "calls_in_flight": 2}
    for key, value in changes.items():
        config[key] = config.get(key, {}) | value if isinstance(value, dict) else value
    path.write_text(yaml.safe_dump(config))
    return path


@dataclass
class Driver:
    """One driver process."""

    process: subprocess.Popen[str]

    @classmethod
    def start(cls, config: Path, *arguments: str) -> "Driver":
        """`jobs/generate_pairs.py` on a config."""
        return cls.of("jobs/generate_pairs.py", "--config", str(config), "--json", *arguments)

    @classmethod
    def of(cls, *words: str) -> "Driver":
        """`python WORDS…` in the project's root."""
        environment = os.environ | {"PYTHONPATH": str(ROOT), **QUIET}
        process = subprocess.Popen(
            [sys.executable, *words],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        return cls(process)

    def finish(self, deadline_s: float = RUN_DEADLINE_S) -> tuple[int, dict[str, Any], str]:
        """Exit status, the JSON that is all it printed, and its standard error."""
        out, err = self._ended(deadline_s)
        return self.process.returncode, json.loads(out) if out else {}, err

    def outcomes(self, deadline_s: float = RUN_DEADLINE_S) -> list[dict[str, Any]]:
        """Every line of JSON that it printed; fails unless it ended well."""
        out, err = self._ended(deadline_s)
        assert self.process.returncode == 0, err[-3000:]
        return [json.loads(line) for line in out.splitlines()]

    def _ended(self, deadline_s: float) -> tuple[str, str]:
        try:
            return self.process.communicate(timeout=deadline_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            _, err = self.process.communicate()
            raise AssertionError(f"the driver did not end within {deadline_s} s: {err[-3000:]}") from None

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()


def wait_for_parts(root: Path, stage: str, parts: int, driver: Driver, deadline_s: float = RUN_DEADLINE_S) -> None:
    """Until a stage holds so many parts; fails when the driver ends first."""
    end = time.monotonic() + deadline_s
    while len(list(root.glob(f"stage={stage}/shard=*/part-*.parquet"))) < parts:
        if driver.process.poll() is not None:
            raise AssertionError(
                f"the driver ended before {stage} had {parts} parts: {driver.process.communicate()[1][-3000:]}"
            )
        if time.monotonic() > end:
            raise AssertionError(f"{stage} had not {parts} parts after {deadline_s} s")
        time.sleep(0.02)


def ids_of(root: str, name: str) -> dict[str, list[str]]:
    """The ids of every stage of the main job."""
    run = Run(Store.at(root).child(name))
    return {stage: sealed_ids(run.stage(stage, record)) for stage, record in RECORDS.items()}


def sealed_ids(stage: "Stage[Any]") -> list[str]:
    """The ids of a finished stage, in sorted order; fails for one that stands twice."""
    manifest = stage.manifest()
    assert manifest is not None, f"stage {stage.name} has no manifest"
    shards = range(len(manifest.shards))
    rows = [row for shard in shards for row in stage.read(shard, columns=["id"])["id"].to_pylist()]
    assert max(Counter(rows).values(), default=1) == 1, f"stage {stage.name} holds an id twice"
    return sorted(rows)
