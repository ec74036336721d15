"""`ray job submit` for a job of this project, and the job's own exit status."""

import argparse
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from http import HTTPStatus
from pathlib import Path
from typing import Any

from reasonflux.config import PairsJob
from reasonflux.configuring import load_config
from reasonflux.distributed.places import local_places
from reasonflux.errors import EngineError
from reasonflux.training.recipe import TrainingRecipe

CONFIGS: dict[str, type[PairsJob] | type[TrainingRecipe]] = {  # by job
    "generate_pairs": PairsJob,
    "train": TrainingRecipe,
}
ROOT = Path(__file__).parents[2]
STATUS_DEADLINE_S = 30.0
ACCEPT_DEADLINE_S = 90.0
RETRY_S = 3.0


def submit(address: str, entry: list[str]) -> int:
    """Submits `python ENTRY…` with the project as working directory, follows its log, returns its exit status."""
    submission = f"{Path(entry[0]).stem}-{uuid.uuid4().hex[:8]}"
    command = [
        *(sys.executable, "-m", "ray.scripts.scripts", "job", "submit", f"--address={address}"),
        *(f"--submission-id={submission}", f"--working-dir={ROOT}", "--", "python", *entry),
    ]
    # The job supervisor needs RAY_ADDRESS of the cluster itself; ours may name another.
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    end = time.monotonic() + ACCEPT_DEADLINE_S
    while True:
        followed = subprocess.run(command, cwd=ROOT, env=environment, check=False)
        job = _job(address, submission)
        if job is not None:
            exit_code = job.get("driver_exit_code")
            return followed.returncode if exit_code is None else int(exit_code)
        if time.monotonic() > end:
            raise EngineError(
                f"the head at {address} did not accept the job", "See what `ray job submit` printed above"
            )
        time.sleep(RETRY_S)  # a head that has just started has no agent yet to hand the job to


def absolute_paths(job: list[str]) -> list[str]:
    """Arguments that name the same config and the same local paths from anywhere, to be added to a job's own.

    Ray unpacks the working directory elsewhere and throws it away: a relative path would be read, or written, there.
    Only the config of the project itself is found there, by its path from the project's root. Raises `BadInput`.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--config")
    parser.add_argument("--set", action="append", default=[])
    arguments, _ = parser.parse_known_args(job[1:])
    if arguments.config is None or Path(job[0]).stem not in CONFIGS:
        return []
    config = load_config(CONFIGS[Path(job[0]).stem], arguments.config, arguments.set)
    settings = {setting: str(Path(place).expanduser().absolute()) for setting, place in local_places(config).items()}
    if isinstance(config, PairsJob) and "navigator.model" in settings and isinstance(config.reasoner, str):
        settings["reasoner"] = config.reasoner  # else a reasoner of the same relative path would be another engine
    sets = [part for setting, value in settings.items() for part in ("--set", f"{setting}={value}")]
    return [*_config_from_root(Path(arguments.config)), *sets]


def _config_from_root(config: Path) -> list[str]:
    """`--config` again, where a relative path would be another file, or none, from the project's root."""
    path = config.absolute()
    if config.is_absolute() or path == ROOT / config:
        return []
    return ["--config", str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)]


def _job(address: str, submission: str) -> dict[str, Any] | None:
    """What the head says of a job, None when it does not know it.

    By HTTP, because Ray's client reads the token mode once, at import.
    """
    headers = {}
    if token := os.environ.get("RAY_AUTH_TOKEN"):
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(f"{address}/api/jobs/{submission}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=STATUS_DEADLINE_S) as answer:
            details: dict[str, Any] = json.load(answer)
            return details
    except urllib.error.HTTPError as error:
        if error.code == HTTPStatus.NOT_FOUND:
            return None
        raise EngineError(f"the head at {address} does not say how job {submission} ended: {error}") from error
    except OSError as error:
        raise EngineError(f"the head at {address} does not say how job {submission} ended: {error}") from error
