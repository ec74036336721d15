"""A study: benchmark runs, and the tables and figures that are made of them.

    python jobs/run_study.py --config benchmarks/studies/testbed_fig5.yaml

Studies that name the same suite share its run. Run it again to go on with a killed one; what is finished is only read.
`--plan` prints what its benchmark runs would do, and starts nothing; `--plan --cluster a100-8` prints where they would
run there too, one after the other, how they fit, for how long at most and for how much.
"""

import sys

from reasonflux.distributed.job import job_arguments, run_job
from reasonflux.distributed.study_checks import check_study
from reasonflux.distributed.study_run import run_study
from reasonflux.evals.report.writing import leave_report
from reasonflux.evals.studies.job import StudyJob
from reasonflux.evals.studies.showing import rich_table


def main() -> None:
    arguments, config = job_arguments(StudyJob, __doc__)
    study = check_study(config)
    if arguments.plan:
        arguments.show_plan(study.plan(arguments.cluster))
        return
    outcome = run_study(study)
    arguments.show(outcome.to_json(), *map(rich_table, outcome.exhibits.tables), *outcome.words())
    leave_report(outcome.run)


if __name__ == "__main__":
    sys.exit(run_job(main))
