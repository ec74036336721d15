"""Submits a job of this project with `ray job submit`, on RAY_ADDRESS or on a local Ray that lives as long as the job.

    python jobs/submit.py -- jobs/generate_pairs.py --config jobs/configs/testbed.yaml

Paths of the config are made absolute first, since Ray unpacks the working directory elsewhere. The exit status is the
job's own.
"""

import argparse
import sys

from reasonflux.distributed.local_head import local_head
from reasonflux.distributed.submitting import absolute_paths, submit
from reasonflux.errors import ReasonFluxError


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", help="dashboard of a running cluster, e.g. http://head:8265")
    parser.add_argument("job", nargs=argparse.REMAINDER, help="-- jobs/NAME.py and its arguments")
    arguments = parser.parse_args()
    job = arguments.job[1:] if arguments.job[:1] == ["--"] else arguments.job
    if not job:
        parser.error("name a job: -- jobs/generate_pairs.py --config …")
    try:
        entry = [*job, *absolute_paths(job)]
        if arguments.address:
            return submit(arguments.address, entry)
        with local_head() as head:
            return submit(head.dashboard, entry)
    except ReasonFluxError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_status


if __name__ == "__main__":
    sys.exit(main())
