"""Runs of the main job one after the other on one pair of engines: `python -m tests.drills.lasting_driver CONFIG …`.

Rounds have them so. Prints the outcome of each as one line of JSON, as the job does.
"""

import sys

from reasonflux.config import PairsJob
from reasonflux.configuring import load_config
from reasonflux.distributed import runtime
from reasonflux.distributed.generate import generate_pairs
from reasonflux.distributed.job import JobArguments, run_job
from reasonflux.distributed.run_engines import RunEngines


def main() -> None:
    jobs = [load_config(PairsJob, path) for path in sys.argv[1:]]
    runtime.connect()
    rows = jobs[0].stream.rows_per_part
    with RunEngines(run="lasting", rows_per_call=rows, lasting=True) as engines:
        for job in jobs:
            JobArguments(plan=False, json=True).show(generate_pairs(job, lent=engines).to_json())


if __name__ == "__main__":
    sys.exit(run_job(main))
