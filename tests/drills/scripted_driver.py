"""A driver with scripted engines: `python -m tests.drills.scripted_driver CONFIG SCRIPT [CONFIG SCRIPT …]`.

CONFIG is a YAML file of the main job or of a benchmark run, SCRIPT the JSON of a `Script`, or of a `TimedScript`, which
is one with a `speed`; does one after the other and prints the outcome of each as one line of JSON, as the job does.
"""

import json
import sys
from pathlib import Path
from typing import Any

import yaml

from benchmarks.performance.scripted_engine import Script, scripted
from benchmarks.performance.sleeping_engine import TimedScript, sleeping
from reasonflux.config import PairsJob
from reasonflux.configuring import load_config
from reasonflux.distributed.benchmark_checks import check_benchmarks
from reasonflux.distributed.benchmark_run import run_benchmarks
from reasonflux.distributed.generate import generate_pairs
from reasonflux.distributed.job import JobArguments, run_job
from reasonflux.distributed.run_engines import Deploy
from reasonflux.evals.suite import BenchmarkJob


def engines(script: str) -> Deploy:
    """What starts the engines of a script."""
    if "speed" in json.loads(script):
        return sleeping(TimedScript.model_validate_json(script))
    return scripted(Script.model_validate_json(script))


def outcome(config: str, script: str) -> dict[str, Any]:
    """What became of a job."""
    if "benchmarks" in yaml.safe_load(Path(config).read_text()):
        return run_benchmarks(check_benchmarks(load_config(BenchmarkJob, config)), engines(script)).to_json()
    return generate_pairs(load_config(PairsJob, config), deploy=engines(script)).to_json()


def main() -> None:
    for config, script in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
        JobArguments(plan=False, json=True).show(outcome(config, script))


if __name__ == "__main__":
    sys.exit(run_job(main))
