"""What a job and its engines tell Prometheus through Ray: every name stands in `COUNTERS` or `GAUGES`.

The driver counts, out of the receipts that workers send: a worker ends with its stage, often before Ray has collected
what it counted. Where no Ray runs, nothing happens. `ray_` stands before each name where it is scraped.
"""

import logging
import os
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Any

import ray

logger = logging.getLogger(__name__)

COUNTERS = {  # name: what it counts, by which labels
    "reasonflux_rows": ("rows committed", ("run", "stage", "status")),
    "reasonflux_verdicts": ("verdicts on rollouts", ("run", "verdict")),
    "reasonflux_rewards": ("trajectories with a reward", ("run",)),
    "reasonflux_reward_sum": ("sum of those rewards", ("run",)),
    "reasonflux_tokens": ("tokens of finished rows; kind: prompt, output, cached", ("run", "role", "kind")),
    "reasonflux_retries": ("further calls for a row after the first", ("run", "stage")),
    "reasonflux_failures": ("rows that could not be done", ("run", "stage", "reason")),
    "reasonflux_pairs": ("preference pairs", ("run", "role")),
}
GAUGES = {
    "reasonflux_cost_dollars": ("the cluster's price times this driver's time", ("run",)),
    "reasonflux_engine_busy": ("share of an engine's places that requests take", ("application",)),
    "reasonflux_queue_age_seconds": ("age of the oldest call that an engine has not ended", ("application",)),
}
ROLES = {"trajectories": "navigator", "rollouts": "reasoner", "proposals": "proposer"}  # whose tokens a stage takes
PRICE = "REASONFLUX_DOLLARS_PER_HOUR"  # of the whole cluster; `reasonflux submit --cluster` sets it
LINGER = "REASONFLUX_METRICS_LINGER_S"  # how long a driver waits at its end, so that its last counts are scraped
_STARTED = time.monotonic()


def count(name: str, amount: float, **labels: str) -> None:
    """Adds to a counter of `COUNTERS`."""
    if amount and ray.is_initialized():
        with suppress(Exception):  # what cannot be told is no reason to stop work
            _counter(name).inc(amount, tags=labels)


def gauge(name: str, value: float, **labels: str) -> None:
    """Sets a gauge of `GAUGES`."""
    if ray.is_initialized():
        with suppress(Exception):
            _gauge(name).set(value, tags=labels)


def count_stage(run: str, stage: str, counts: Mapping[str, Mapping[str, float]]) -> None:
    """What a part's receipt tells: see `receipts.counts_of`."""
    for status, amount in counts.get("status", {}).items():
        count("reasonflux_rows", amount, run=run, stage=stage, status=status)
    for verdict, amount in counts.get("verdicts", {}).items():
        count("reasonflux_verdicts", amount, run=run, verdict=verdict)
    for kind, amount in counts.get("tokens", {}).items():
        count("reasonflux_tokens", amount, run=run, role=ROLES.get(stage, stage), kind=kind)
    for reason, amount in counts.get("failures", {}).items():
        count("reasonflux_failures", amount, run=run, stage=stage, reason=reason)
    for role, amount in counts.get("pairs", {}).items():
        count("reasonflux_pairs", amount, run=run, role=role)
    rewards = counts.get("rewards", {})
    count("reasonflux_rewards", rewards.get("n", 0), run=run)
    count("reasonflux_reward_sum", rewards.get("sum", 0), run=run)
    count("reasonflux_retries", counts.get("calls", {}).get("retries", 0), run=run, stage=stage)
    gauge("reasonflux_cost_dollars", _price() * (time.monotonic() - _STARTED) / 3600, run=run)


def linger() -> None:
    """At a driver's end: waits as long as `LINGER` says, while Ray collects what was counted last."""
    with suppress(ValueError):
        seconds = float(os.environ.get(LINGER, "0"))
        if seconds > 0 and ray.is_initialized():
            logger.info("waiting %g s for the last metrics to be scraped", seconds)
            time.sleep(seconds)


class EngineLoad:
    """How busy one engine is: requests in flight by call."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._calls: dict[int, float] = {}  # when each began
        self._left: Counter[int] = Counter()

    def began(self, call: int, requests: int) -> None:
        self._calls[call] = time.monotonic()
        self.left(call, requests)

    def left(self, call: int, requests: int) -> None:
        """So many requests of a call are not finished."""
        self._left[call] = requests
        self._tell()

    def ended(self, call: int) -> None:
        self._calls.pop(call, None)
        self._left.pop(call, None)
        self._tell()

    def _tell(self) -> None:
        oldest = min(self._calls.values(), default=None)
        age = 0.0 if oldest is None else time.monotonic() - oldest
        application = _application()
        gauge("reasonflux_engine_busy", min(1.0, sum(self._left.values()) / self._places), application=application)
        gauge("reasonflux_queue_age_seconds", age, application=application)


@cache
def _application() -> str:
    """The Serve application that this process is a replica of."""
    from ray import serve

    try:
        return str(serve.get_replica_context().app_name)
    except Exception:  # an engine inside a user's own process
        return "local"


def _price() -> float:
    try:
        return float(os.environ.get(PRICE, "0"))
    except ValueError:
        return 0.0


@cache
def _counter(name: str) -> Any:
    from ray.util.metrics import Counter as RayCounter

    what, labels = COUNTERS[name]
    return RayCounter(name, description=what, tag_keys=labels)


@cache
def _gauge(name: str) -> Any:
    from ray.util.metrics import Gauge

    what, labels = GAUGES[name]
    return Gauge(name, description=what, tag_keys=labels)
