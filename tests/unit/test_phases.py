"""Sizes follow what waits, fit the cluster, and move only where moving pays."""

from collections.abc import Mapping
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reasonflux.errors import BadInput
from reasonflux.phases import Demand, Shape, best_split, in_turn, resized, sizes

SHAPES = {
    "navigator": Shape(takes={"GPU": 4, "CPU": 1}),
    "reasoner": Shape(takes={"GPU": 4, "CPU": 1}),
    "verifier": Shape(takes={"CPU": 1}),
}
CLUSTER = {"GPU": 64.0, "CPU": 200.0}


def demands(
    navigator: int, reasoner: int, verifier: int = 0, oldest: Mapping[str, float] = MappingProxyType({})
) -> dict[str, Demand]:
    counts = {"navigator": (navigator, 0.1), "reasoner": (reasoner, 0.4), "verifier": (verifier, 0.006)}
    return {
        role: Demand(requests=count, request_s=seconds, oldest_s=oldest.get(role, 0.0))
        for role, (count, seconds) in counts.items()
    }


def test_roles_that_work_side_by_side_end_together() -> None:
    found = sizes(demands(40_000, 30_000), SHAPES, CLUSTER)  # 4,000 and 12,000 replica-seconds on 16 replicas
    assert found == {"navigator": 4, "reasoner": 12, "verifier": 0}


def test_longer_answers_and_an_older_queue_take_replicas() -> None:
    longer = demands(40_000, 30_000) | {"reasoner": Demand(requests=30_000, request_s=1.2)}
    assert sizes(longer, SHAPES, CLUSTER)["reasoner"] == 14
    older = sizes(demands(40_000, 30_000, oldest={"navigator": 800}), SHAPES, CLUSTER)
    assert older["navigator"] > 4


def test_the_verifier_gets_what_it_needs_to_keep_pace_and_no_more() -> None:
    found = sizes(demands(40_000, 30_000, 1_000_000), SHAPES, CLUSTER)  # 6,000 CPU seconds in the engines' 1,000
    assert found == {"navigator": 4, "reasoner": 12, "verifier": 6}


def test_nothing_waits_and_nothing_is_given_beyond_the_least() -> None:
    shapes = SHAPES | {"navigator": Shape(takes={"GPU": 4}, least=2)}
    assert sizes(demands(0, 0), shapes, CLUSTER) == {"navigator": 2, "reasoner": 0, "verifier": 0}
    with pytest.raises(BadInput, match="20 of navigator"):
        sizes(demands(1, 0), {"navigator": Shape(takes={"GPU": 4}, least=20)}, CLUSTER)


def test_replicas_stay_where_moving_them_costs_more_than_it_brings() -> None:
    now = {"navigator": 5, "reasoner": 11, "verifier": 0}
    assert resized(now, demands(40_000, 30_000), SHAPES, CLUSTER, move_s=180) == now
    moved = resized(now, demands(0, 300_000), SHAPES, CLUSTER, move_s=180)
    assert moved == {"navigator": 0, "reasoner": 16, "verifier": 0}
    lost = {"GPU": 32.0, "CPU": 200.0}  # half of the machines are gone
    assert resized(now, demands(40_000, 30_000), SHAPES, lost, move_s=1e9) == {
        "navigator": 2,
        "reasoner": 6,
        "verifier": 0,
    }


def test_stages_in_turn_have_the_whole_cluster_and_beat_any_split() -> None:
    todo = demands(40_000, 30_000, 30_000)
    stages = [("trajectories", "navigator", todo["navigator"]), ("rollouts", "reasoner", todo["reasoner"])]
    phases = in_turn([*stages, ("verdicts", "verifier", todo["verifier"])], SHAPES, CLUSTER)
    assert [phase.sizes for phase in phases] == [{"navigator": 16}, {"reasoner": 16}, {"verifier": 200}]
    split, hours = best_split(stages, SHAPES, CLUSTER)
    assert split == {"navigator": 6, "reasoner": 10}
    assert hours == pytest.approx((4000 / 6 + 12_000 / 10) / 3600)
    assert sum(phase.hours for phase in phases[:2]) < hours


COUNTS = st.integers(0, 10**6)


@given(COUNTS, COUNTS, COUNTS, st.floats(0, 1e4), st.integers(1, 64))
def test_sizes_fit_whatever_waits_and_follow_from_it_alone(
    navigator: int, reasoner: int, verifier: int, oldest: float, nodes: int
) -> None:
    todo, cluster = (
        demands(navigator, reasoner, verifier, {"reasoner": oldest}),
        {"GPU": 8.0 * nodes, "CPU": 20.0 * nodes},
    )
    found = sizes(todo, SHAPES, cluster)
    assert found == sizes(dict(reversed(todo.items())), dict(reversed(SHAPES.items())), cluster)
    for name, amount in cluster.items():
        assert sum(count * SHAPES[role].takes.get(name, 0) for role, count in found.items()) <= amount
    for role, count in found.items():
        assert count or not todo[role].requests, f"{role} has work and no replica"
