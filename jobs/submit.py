"""Submits a job of this project with `ray job submit`, on RAY_ADDRESS or on a local Ray that lives as long as the job.

    python jobs/submit.py -- jobs/generate_pairs.py --config jobs/configs/testbed.yaml
    python -m reasonflux submit generate_pairs --cluster a100-8 --config jobs/configs/a100_32b.yaml

The second ends up here, too. Paths of the config are made absolute first, since Ray unpacks the working directory
elsewhere. The exit status is the job's own.
"""

import argparse
import shlex
import sys
from pathlib import Path

from reasonflux.clusters import load_cluster
from reasonflux.distributed.local_head import local_head
from reasonflux.distributed.submitting import (
    absolute_paths,
    check_head,
    dashboard_of,
    submit,
    submit_command,
    variables_for,
)
from reasonflux.errors import ReasonFluxError


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--address", help="dashboard of a running cluster, e.g. http://head:8265")
    where.add_argument("--cluster", help="a described cluster: a name of cluster/shapes, or a YAML file like those")
    parser.add_argument("--show", action="store_true", help="print the command of `ray job submit`, and stop")
    parser.add_argument("job", nargs=argparse.REMAINDER, help="-- jobs/NAME.py and its arguments")
    arguments = parser.parse_args()
    job = arguments.job[1:] if arguments.job[:1] == ["--"] else arguments.job
    if not job:
        parser.error("name a job: -- jobs/generate_pairs.py --config …")
    try:
        entry = [*job, *absolute_paths(job)]
        cluster = load_cluster(arguments.cluster) if arguments.cluster else None
        address = dashboard_of(cluster) if cluster else arguments.address
        variables = variables_for(cluster) if cluster else {}
        if arguments.show:
            shown = submit_command(address or "http://127.0.0.1:8265", Path(job[0]).stem, entry, variables)
            print(shlex.join(["ray", *shown[3:]]))
            return 0
        if address:
            check_head(address)
            return submit(address, entry, variables)
        with local_head() as head:
            return submit(head.dashboard, entry, packed=False)
    except ReasonFluxError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_status


if __name__ == "__main__":
    sys.exit(main())
