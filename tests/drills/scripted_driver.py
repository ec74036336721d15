"""A driver of the main job with a scripted engine: `python -m tests.drills.scripted_driver CONFIG SCRIPT`.

CONFIG is a YAML file, SCRIPT the JSON of a `Script`; prints the outcome as one line of JSON, as the job does.
"""

import json
import sys

from benchmarks.performance.scripted_engine import Script, scripted
from reasonflux.config import PairsJob
from reasonflux.configuring import load_config
from reasonflux.distributed.generate import generate_pairs
from reasonflux.distributed.job import run_job


def main() -> None:
    config, script = sys.argv[1:]
    outcome = generate_pairs(load_config(PairsJob, config), deploy=scripted(Script.model_validate_json(script)))
    print(json.dumps(outcome.to_json()))


if __name__ == "__main__":
    sys.exit(run_job(main))
