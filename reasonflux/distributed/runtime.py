"""Connecting to Ray, and what a job may assume of the place it runs in."""

import ipaddress
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ray
from ray._private.authentication.authentication_utils import is_token_auth_enabled

from reasonflux.errors import BadInput

SHARED = "REASONFLUX_SHARED_PATHS"  # set where every node mounts the job's paths alike
GUARD = (
    "Start every node with RAY_AUTH_MODE=token and one RAY_AUTH_TOKEN of your own (`openssl rand -hex 32`); on KubeRay "
    "spec.authOptions: {mode: token}"
)
LOCAL_CPUS = 8  # logical CPUs of a local Ray: actors here mostly wait, and Ray counts them, not cores


def connect() -> None:
    """Joins the cluster that a job was submitted to, or starts a local Ray with workers at the driver's priority."""
    if ray.is_initialized():
        return
    quiet = {"log_to_driver": False, "logging_level": logging.WARNING}
    if on_cluster():
        ray.init(address="auto", **quiet)
        check_guarded()
    else:
        ray.init(address="local", num_cpus=LOCAL_CPUS, include_dashboard=False, **quiet)


def job_id() -> str:
    """Ray's id of this driver; empty where no Ray is connected."""
    return str(ray.get_runtime_context().get_job_id()) if ray.is_initialized() else ""


def on_cluster() -> bool:
    """True where `connect` joins a Ray that is there, and does not start one."""
    return in_ray_job() or bool(os.environ.get("RAY_ADDRESS"))


def in_ray_job() -> bool:
    """True under `ray job submit`."""
    return "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ


def check_guarded() -> None:
    """Refuses a cluster that others can reach and that runs whatever anybody sends it."""
    open_to = [node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"] and not _loopback(node)]
    if open_to and not is_token_auth_enabled():
        ray.shutdown()
        raise BadInput(
            f"Ray at {open_to[0]} can be reached from other machines and asks for no token",
            GUARD,
        )


def _loopback(node: Mapping[str, Any]) -> bool:
    try:
        return ipaddress.ip_address(node["NodeManagerAddress"]).is_loopback
    except ValueError:
        return node["NodeManagerAddress"] == "localhost"


def check_root(setting: str, place: str | None) -> None:
    """Refuses a relative output under `ray job submit`: the working directory is unpacked elsewhere and thrown away."""
    if place and in_ray_job() and "://" not in place and not Path(place).expanduser().is_absolute():
        raise BadInput(
            f"{setting} '{place}' is relative, and Ray unpacks the job's working directory elsewhere",
            f"Give an absolute path or a URI: --set {setting}=/path/to/{place}, or s3://…",
        )


def check_shared(places: Mapping[str, str]) -> None:
    """Refuses local paths, by setting, on a cluster of several nodes, where each would look at its own disk."""
    if not places or os.environ.get(SHARED):
        return
    nodes = sum(node["Alive"] for node in ray.nodes())
    if nodes > 1:
        named = " and ".join(f"{setting} {place}" for setting, place in places.items())
        kind = "a local path" if len(places) == 1 else "local paths"
        raise BadInput(
            f"the cluster has {nodes} nodes, and {named} {'is' if len(places) == 1 else 'are'} {kind}",
            f"Use URIs such as s3://bucket/runs, or set {SHARED}=1 if every node finds the same files there",
        )
