"""The model of a stage: work is conserved, and what should hold engines up does so."""

from typing import Any

import pytest

from benchmarks.performance.cluster_model import Costs, Load, Pool, Ran, Stage
from benchmarks.performance.latency_model import Lengths, Speed

SPEED = Speed(step_s=0.02, sequence_s=0.0001, prompt_tokens_per_s=10_000, places=32)
LOAD = Load(rows=8_000, prompt_tokens=100, lengths=Lengths(median=200, sigma=0.8, most=1200))
FREE = Costs(row_s=1e-6, part_s=1e-6)


def run(costs: Costs = FREE, load: Load = LOAD, **settings: Any) -> Ran:
    given: dict[str, Any] = {
        "replicas": 4,
        "clients": 2,
        "speed": SPEED,
        "rows_in_flight": 96,
        "rows_per_part": 16,
        "blocks": 8,
    }
    return Stage(Pool(**given | settings), load, costs).run()


def test_one_replica_takes_as_long_as_its_tokens() -> None:
    ran = run(
        replicas=1, clients=1, load=Load(rows=320, prompt_tokens=0, lengths=Lengths(median=100, sigma=0, most=100))
    )
    assert ran.seconds == pytest.approx(10 * 100 * SPEED.step(32), rel=0.02)  # ten times 32 at once
    assert ran.busy == pytest.approx(1.0, abs=0.02)


def test_engines_are_busy_where_nothing_holds_them_up() -> None:
    ran = run()
    assert ran.busy > 0.85
    assert ran.tail_s < 0.25 * ran.seconds
    assert max(share for _, share in ran.series) <= 1.0 + 1e-9


def test_counting_calls_instead_of_rows_leaves_places_empty() -> None:
    """Why `EngineClient` bounds rows: a call lasts as long as its longest answer."""
    by_row, by_call = run(), run(by_row=False)
    assert by_call.busy < by_row.busy - 0.15
    assert by_call.seconds > 1.15 * by_row.seconds


def test_a_client_that_is_too_slow_is_seen() -> None:
    slow = run(Costs(row_s=0.08, part_s=0.0), clients=1, rows_in_flight=192)  # 12.5 rows a second, at most
    assert slow.busy < 0.8
    assert slow.client_s == pytest.approx(LOAD.rows * 0.08)
    assert slow.client_s / slow.seconds > 0.9


def test_few_calls_a_replica_hold_it_up() -> None:
    assert run(calls_per_replica=2).busy < run().busy - 0.1


def test_the_same_seed_gives_the_same_run() -> None:
    assert run() == run()
