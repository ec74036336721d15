"""The gate of a round, asked alone: may a checkpoint take its parent's place?

    python jobs/run_gate.py --config jobs/configs/rounds/testbed.yaml --set role=navigator \\
        --set candidate=runs/testbed_navigator_dpo/checkpoint

The config is that of rounds; the parent is its model of that role. Problems are a lot that no round of its schedule
takes (`lot`). Exit status 0 whatever is decided. Run it again to go on with a killed run; `--plan` starts nothing.
"""

import sys

from reasonflux.distributed.gate_run import run_gate
from reasonflux.distributed.job import job_arguments, run_job
from reasonflux.distributed.rounds_checks import plan_gate
from reasonflux.evals.report.writing import leave_report
from reasonflux.rounds.config import GateJob
from reasonflux.rounds.gate import verdict
from reasonflux.rounds.showing import gate_table


def main() -> None:
    arguments, job = job_arguments(GateJob, __doc__)
    if arguments.plan:
        arguments.show_plan(plan_gate(job, arguments.cluster))
        return
    outcome = run_gate(job)
    arguments.show(
        outcome.to_json(),
        gate_table(outcome.decision),
        f"{outcome.role} {outcome.candidate.digest}: {verdict(outcome.decision)}",
        f"parent: {outcome.parent.digest}  {outcome.parent.model}",
        f"run:    {outcome.run}",
    )
    leave_report(outcome.run)


if __name__ == "__main__":
    sys.exit(run_job(main))
