"""Problems → trajectories → similar-problem rewards → preference pairs.

    python jobs/generate_pairs.py --config jobs/configs/testbed.yaml --set sampling.trajectories=8

Run it again to go on with a killed run; a finished run does nothing. `--plan` prints what would run and starts nothing;
`--plan --cluster a100-8` prints where it would run there, how it fits, for how long and for how much.
"""

import sys

from reasonflux.config import PairsJob
from reasonflux.distributed.generate import generate_pairs, plan
from reasonflux.distributed.job import job_arguments, run_job
from reasonflux.evals.report.writing import leave_report


def main() -> None:
    arguments, config = job_arguments(PairsJob, __doc__)
    if arguments.plan:
        arguments.show_plan(plan(config, arguments.cluster))
        return
    outcome = generate_pairs(config)
    summary = outcome.summary
    places = (f"run:     {summary.run}", f"dataset: {summary.dataset}")
    arguments.show(outcome.to_json(), summary.table(), *summary.words(), *places)
    leave_report(summary.run)


if __name__ == "__main__":
    sys.exit(run_job(main))
