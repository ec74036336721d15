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
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel

from reasonflux import logs
from reasonflux.clusters import Cluster
from reasonflux.config import LibraryJob, PairsJob
from reasonflux.configuring import load_config
from reasonflux.distributed.local_head import ROOT
from reasonflux.distributed.metrics import LINGER, PRICE
from reasonflux.distributed.places import local_places, named_places
from reasonflux.distributed.runtime import GUARD
from reasonflux.errors import BadInput, EngineError
from reasonflux.evals.studies.job import StudyJob
from reasonflux.evals.suite import BenchmarkJob
from reasonflux.rounds.config import RoundsJob
from reasonflux.serving import DeployJob
from reasonflux.training.recipe import TrainingRecipe
from reasonflux.uris import check_places

CONFIGS: dict[str, type[BaseModel]] = {  # by job
    "generate_pairs": PairsJob,
    "build_library": LibraryJob,
    "train": TrainingRecipe,
    "run_rounds": RoundsJob,
    "run_benchmark": BenchmarkJob,
    "run_study": StudyJob,
    "deploy": DeployJob,
}
LINGER_S = 20  # of a job on a described cluster: Prometheus scrapes every 15 s by default
LOOPBACK = ("127.0.0.1", "::1", "localhost")
STATUS_DEADLINE_S = 30.0
ACCEPT_DEADLINE_S = 90.0
RETRY_S = 3.0


def submit_command(
    address: str, submission: str, entry: list[str], variables: Mapping[str, str] | None = None, packed: bool = True
) -> list[str]:
    """The `ray job submit` of `python ENTRY…`, with the project as working directory and `variables` in its place.

    Not `packed`: the head is a `local_head`, whose jobs begin in the project's directory as it lies here. A package of
    it would only keep Ray from giving the job processes that it has started already.
    """
    environment = json.dumps({"env_vars": dict(variables)}) if variables else ""
    return [
        *(sys.executable, "-m", "ray.scripts.scripts", "job", "submit", f"--address={address}"),
        f"--submission-id={submission}",
        *([f"--working-dir={ROOT}"] if packed else []),
        *([f"--runtime-env-json={environment}"] if environment else []),
        *("--", "python", *entry),
    ]


def variables_for(cluster: Cluster) -> dict[str, str]:
    """What a job on a described cluster is told: its price, and to wait for the last scrape; no secret."""
    told = {LINGER: os.environ.get(LINGER, str(LINGER_S))}
    if cluster.dollars_per_hour:
        told[PRICE] = f"{cluster.dollars_per_hour:g}"
    if form := os.environ.get(logs.FORMAT):
        told[logs.FORMAT] = form
    return told


def dashboard_of(cluster: Cluster) -> str:
    """Where a described cluster takes jobs; raises `BadInput` where its file does not say."""
    if cluster.dashboard is None:
        raise BadInput(f"cluster {cluster.name} has no dashboard", "Add `dashboard: http://…:8265` to its file")
    return cluster.dashboard


def check_head(address: str) -> None:
    """Raises `BadInput` where no Ray answers, and for a Ray of other machines that asks for no token."""
    host = urlsplit(address).hostname or ""
    try:
        with urllib.request.urlopen(f"{address}/api/authentication_mode", timeout=STATUS_DEADLINE_S) as answer:
            mode = json.load(answer).get("authentication_mode")
    except (OSError, ValueError) as error:
        raise BadInput(
            f"no Ray of this version answers at {address}: {error}",
            "Is it up, and forwarded? kubectl port-forward service/reasonflux-head-svc 8265",
        ) from error
    if mode != "token" and host not in LOOPBACK:
        raise BadInput(f"Ray at {address} asks for no token", GUARD)
    if mode == "token" and not (os.environ.get("RAY_AUTH_TOKEN") or os.environ.get("RAY_AUTH_TOKEN_PATH")):
        raise BadInput(
            f"Ray at {address} asks for a token", "export RAY_AUTH_MODE=token RAY_AUTH_TOKEN=… (docs/cluster.md)"
        )


def submit(address: str, entry: list[str], variables: Mapping[str, str] | None = None, packed: bool = True) -> int:
    """Submits `python ENTRY…` by `submit_command`, follows its log, returns its exit status."""
    submission = f"{Path(entry[0]).stem}-{uuid.uuid4().hex[:8]}"
    command = submit_command(address, submission, entry, variables, packed)
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
    config: Any = load_config(CONFIGS[Path(job[0]).stem], arguments.config, arguments.set)
    check_places(named_places(config))  # Ray keeps a job's command line, and shows it
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


def _token() -> str:
    path = os.environ.get("RAY_AUTH_TOKEN_PATH")
    return os.environ.get("RAY_AUTH_TOKEN") or (Path(path).expanduser().read_text().strip() if path else "")


def _job(address: str, submission: str) -> dict[str, Any] | None:
    """What the head says of a job, None when it does not know it.

    By HTTP, because Ray's client reads the token mode once, at import.
    """
    headers = {}
    if token := _token():
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
