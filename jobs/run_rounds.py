"""Rounds of hierarchical RL: generate → reward → pair → train → gate → promote, one model a round.

    python jobs/run_rounds.py --config jobs/configs/rounds/testbed.yaml

Run it again to go on with a killed run; a finished run does nothing. `--plan` prints what would run and starts nothing;
`--plan --cluster a100-8` prints where the first round would run there too, and refuses what cannot fit.
"""

import sys

from reasonflux.distributed.job import job_arguments, run_job
from reasonflux.distributed.rounds import run_rounds
from reasonflux.distributed.rounds_checks import plan_rounds
from reasonflux.evals.report.writing import leave_report
from reasonflux.rounds.config import RoundsJob
from reasonflux.rounds.showing import curve_table, tree


def main() -> None:
    arguments, job = job_arguments(RoundsJob, __doc__)
    if arguments.plan:
        arguments.show_plan(plan_rounds(job, arguments.cluster))
        return
    outcome = run_rounds(job)
    arguments.show(
        outcome.to_json(),
        tree(outcome.run, outcome.records, finished=True),
        curve_table(outcome.curve),
    )
    leave_report(outcome.run)


if __name__ == "__main__":
    sys.exit(run_job(main))
