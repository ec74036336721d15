"""Benchmarks × models × methods: every sample graded, scored with intervals, and exported.

    python jobs/run_benchmark.py --config benchmarks/suites/testbed.yaml

Run it again to go on with a killed run; a finished run is only read. `--plan` prints what would run, starts nothing and
reads nothing of the Hub; `--plan --cluster a100-8` prints where it would run there too, how it fits, for how long
at most and for how much.
`python -m reasonflux compare RUN RUN` tests two runs against each other.
"""

import sys

from reasonflux.distributed.benchmark_checks import check_benchmarks
from reasonflux.distributed.benchmark_run import run_benchmarks
from reasonflux.distributed.job import job_arguments, run_job
from reasonflux.evals.report.writing import leave_report
from reasonflux.evals.suite import BenchmarkJob
from reasonflux.storage.store import Store


def main() -> None:
    arguments, config = job_arguments(BenchmarkJob, __doc__)
    suite = check_benchmarks(config)
    if arguments.plan:
        arguments.show_plan(suite.plan(arguments.cluster))
        return
    results = run_benchmarks(suite)
    run = Store.at(config.output.root).child(config.name).uri
    arguments.show(results.to_json(), results.table(), *results.words(), f"results: {run}/results")
    leave_report(run)


if __name__ == "__main__":
    sys.exit(run_job(main))
