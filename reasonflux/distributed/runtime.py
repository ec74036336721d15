"""Connecting to Ray, and what a job may assume of the place it runs in."""

import logging
import os
from pathlib import Path

import ray

from reasonflux.errors import BadInput
from reasonflux.storage.store import Store

LOCAL_CPUS = 8  # logical CPUs of a local Ray: actors here mostly wait, and Ray counts them, not cores


def connect() -> None:
    """Joins the cluster that a job was submitted to, or starts a local Ray with workers at the driver's priority."""
    if ray.is_initialized():
        return
    quiet = {"log_to_driver": False, "logging_level": logging.WARNING}
    if in_ray_job() or os.environ.get("RAY_ADDRESS"):
        ray.init(address="auto", **quiet)
    else:
        ray.init(address="local", num_cpus=LOCAL_CPUS, include_dashboard=False, **quiet)


def in_ray_job() -> bool:
    """True under `ray job submit`."""
    return "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ


def check_root(uri: str) -> None:
    """Refuses a relative root under `ray job submit`: the working directory is unpacked elsewhere and thrown away."""
    if in_ray_job() and "://" not in uri and not Path(uri).is_absolute():
        raise BadInput(
            f"output.root '{uri}' is relative, and Ray unpacks the job's working directory elsewhere",
            f"Give an absolute path or a URI: --set output.root={Path.cwd().anchor}path/to/{uri}, or s3://…",
        )


def check_shared(root: Store) -> None:
    """Refuses a local root on a cluster of several nodes, where each node would write to its own disk."""
    nodes = [node for node in ray.nodes() if node["Alive"]]
    if root.is_local and len(nodes) > 1 and not os.environ.get("REASONFLUX_SHARED_ROOT"):
        raise BadInput(
            f"output.root {root.uri} is a local path, and the cluster has {len(nodes)} nodes",
            "Use a URI such as s3://bucket/runs, or set REASONFLUX_SHARED_ROOT=1 if every node mounts that path",
        )
