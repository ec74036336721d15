"""`ray job submit` for a job of this project, and the job's own exit status."""

import argparse
import json
import os
import subprocess
import sys
import urllib.request
import uuid
from pathlib import Path
from typing import Any

from reasonflux.config import PairsJob
from reasonflux.configuring import load_config
from reasonflux.errors import EngineError

CONFIGS = {"generate_pairs": PairsJob}  # config class by job
ROOT = Path(__file__).parents[2]
STATUS_DEADLINE_S = 30.0


def submit(address: str, entry: list[str]) -> int:
    """Submits `python ENTRY…` with the project as working directory, follows its log, returns its exit status."""
    submission = f"{Path(entry[0]).stem}-{uuid.uuid4().hex[:8]}"
    command = [
        *(sys.executable, "-m", "ray.scripts.scripts", "job", "submit", f"--address={address}"),
        *(f"--submission-id={submission}", f"--working-dir={ROOT}", "--", "python", *entry),
    ]
    # The job supervisor needs RAY_ADDRESS of the cluster itself; ours may name another.
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    followed = subprocess.run(command, cwd=ROOT, env=environment, check=False)
    exit_code = _job(address, submission).get("driver_exit_code")
    return followed.returncode if exit_code is None else int(exit_code)


def absolute_paths(job: list[str]) -> list[str]:
    """`--set` arguments that make the relative local paths of a job's config absolute.

    Ray unpacks the working directory elsewhere and throws it away: a relative path would be read, or written, there.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--config")
    parser.add_argument("--set", action="append", default=[])
    arguments, _ = parser.parse_known_args(job[1:])
    if arguments.config is None or Path(job[0]).stem not in CONFIGS:
        return []
    config = load_config(CONFIGS[Path(job[0]).stem], arguments.config, arguments.set)
    places = {"output.root": config.output.root, "output.dataset": config.output.dataset}
    inputs = {
        "problems.path": config.problems.path,
        "library": config.library,
        "prompts": config.prompts,
        "navigator.model": config.navigator.model,
        "reasoner.model": "" if isinstance(config.reasoner, str) else config.reasoner.model,
    }
    places |= {key: place for key, place in inputs.items() if place and Path(place).exists()}
    local = {key: place for key, place in places.items() if place and "://" not in place}
    return [part for key, place in local.items() for part in ("--set", f"{key}={Path(place).absolute()}")]


def _job(address: str, submission: str) -> dict[str, Any]:
    """What the head says of a job. By HTTP, because Ray's client reads the token mode once, at import."""
    headers = {}
    if token := os.environ.get("RAY_AUTH_TOKEN"):
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(f"{address}/api/jobs/{submission}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=STATUS_DEADLINE_S) as answer:
            details: dict[str, Any] = json.load(answer)
            return details
    except OSError as error:
        raise EngineError(f"the head at {address} does not say how job {submission} ended: {error}") from error
