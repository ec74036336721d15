"""Navigator, reasoner and the method over them as OpenAI-compatible endpoints.

    python jobs/deploy.py --config cluster/serve/testbed.yaml

Without a cluster it starts a Ray of its own and stays until it is interrupted. On a cluster (RAY_ADDRESS, or submitted)
the applications stay when it ends; run again with another model, engines take the new checkpoint in place. Keys of
clients are in REASONFLUX_API_KEYS. `--plan` prints what would run and starts nothing.
"""

import sys

from reasonflux.distributed.deploying import deploy, key_line, plan, stay, url_lines
from reasonflux.distributed.job import job_arguments, run_job
from reasonflux.distributed.runtime import on_cluster
from reasonflux.serving import DeployJob


def main() -> None:
    arguments, config = job_arguments(DeployJob, __doc__)
    if arguments.plan:
        planned = plan(config, arguments.cluster)
        arguments.show(planned.to_json(), *planned.words())
        return
    urls = deploy(config)
    local = not on_cluster()
    arguments.show({"urls": dict(urls)}, *url_lines(urls), *([key_line()] if local else []))
    if local:
        stay()


if __name__ == "__main__":
    sys.exit(run_job(main))
