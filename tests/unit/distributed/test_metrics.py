"""What is told to Prometheus: the names, and how busy an engine says it is. That they arrive is an integration test."""

import time

import pytest
import ray

from reasonflux.distributed import metrics
from reasonflux.distributed.metrics import COUNTERS, GAUGES, EngineLoad, count_stage


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, ...], float]:
    """What was counted or set last, by name and the values of its labels."""
    seen: dict[tuple[str, ...], float] = {}

    def take(name: str, value: float, **labels: str) -> None:
        assert set(labels) == set((COUNTERS | GAUGES)[name][1]), name
        seen[(name.removeprefix("reasonflux_"), *labels.values())] = value

    monkeypatch.setattr(metrics, "count", take)
    monkeypatch.setattr(metrics, "gauge", take)
    return seen


def test_a_receipt_becomes_counters_with_exactly_their_labels(
    told: dict[tuple[str, ...], float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(metrics.PRICE, "not a number")  # costs nothing, and stops nothing
    counts: dict[str, dict[str, float]] = {
        "status": {"done": 3, "failed": 1},
        "verdicts": {"wrong": 2},
        "tokens": {"output": 5},
        "failures": {"truncated": 1},
        "pairs": {"navigator": 4},
        "rewards": {"n": 2, "sum": 0.5},
        "calls": {"retries": 6},
    }
    count_stage("run", "rollouts", counts)
    assert told == {
        ("rows", "run", "rollouts", "done"): 3,
        ("rows", "run", "rollouts", "failed"): 1,
        ("verdicts", "run", "wrong"): 2,
        ("tokens", "run", "reasoner", "output"): 5,
        ("failures", "run", "rollouts", "truncated"): 1,
        ("pairs", "run", "navigator"): 4,
        ("rewards", "run"): 2,
        ("reward_sum", "run"): 0.5,
        ("retries", "run", "rollouts"): 6,
        ("cost_dollars", "run"): 0.0,
    }


def test_an_engine_is_as_busy_as_requests_in_flight_fill_its_places(
    told: dict[tuple[str, ...], float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "_application", lambda: "navigator")
    clock = iter(float(second) for second in range(100))
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    load = EngineLoad(10)

    def busy() -> float:
        return told[("engine_busy", "navigator")]

    load.began(1, 4)
    load.began(2, 9)
    assert busy() == 1.0  # what waits in the engine does not count twice
    assert told[("queue_age_seconds", "navigator")] > 0
    load.left(2, 1)
    assert busy() == 0.5
    load.ended(1)
    load.ended(2)
    assert busy() == 0.0
    assert told[("queue_age_seconds", "navigator")] == 0.0


def test_without_ray_nothing_is_told_and_nothing_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setenv(metrics.LINGER, "1000")
    count_stage("run", "rollouts", {"status": {"done": 1}})
    EngineLoad(1).began(1, 1)
    metrics.linger()
