"""Solved problems → thought templates: proposed by an engine, checked, near-doubles merged, saved with their origin.

    python jobs/build_library.py --config jobs/configs/build_library.yaml --set problems.path=my.jsonl

Run it again to go on with a killed run; a finished run does nothing. `--plan` checks everything and starts nothing;
`--plan --cluster a100-8` prints where it would run there, how it fits, for how long and for how much.
"""

import sys

from reasonflux.config import LibraryJob
from reasonflux.distributed.job import job_arguments, run_job
from reasonflux.distributed.library_building import build_library, plan_library
from reasonflux.evals.report.writing import leave_report
from reasonflux.storage.store import Store


def main() -> None:
    arguments, config = job_arguments(LibraryJob, __doc__)
    if arguments.plan:
        arguments.show_plan(plan_library(config, arguments.cluster))
        return
    built = build_library(config)
    arguments.show(built.to_json(), built.table(), f"library: {built.path}")
    leave_report(Store.at(config.output.root).child(config.name).uri)


if __name__ == "__main__":
    sys.exit(run_job(main))
