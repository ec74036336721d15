import math
from collections import Counter
from itertools import product
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from reasonflux.pairs.selection import Edge, Side, edges_of, select
from tests.unit.pairs.rows import quick


def side(id: str, score: float) -> Side:
    return Side(id=id, text=id, score=score, n=7, standard_error=None, multiplicity=1)


def sides(*scores: float) -> list[Side]:
    return [side(f"s{index}", score) for index, score in enumerate(scores)]


def names(edges: list[Edge]) -> set[tuple[str, str]]:
    return {(edge.chosen.id, edge.rejected.id) for edge in edges}


scores = st.lists(st.integers(0, 7).map(lambda correct: correct / 7), max_size=9)
margins = st.sampled_from([1e-12, 1 / 7, 0.25, 2 / 7, 0.5, 1.0])


@quick
@given(scores, margins)
def test_edges_are_exactly_the_pairs_that_differ_by_the_margin(values: list[float], margin: float) -> None:
    listed = sides(*values)
    expected = {
        (one.id, other.id)
        for one, other in product(listed, listed)
        if round(one.score * 7) > round(other.score * 7) and one.score - other.score > margin - 1e-9
    }
    assert names(edges_of(listed, margin)) == expected


def test_a_margin_lost_in_the_last_digit_still_counts() -> None:
    assert 0.7 - 0.45 < 0.25
    assert len(edges_of(sides(0.45, 0.7), 0.25)) == 1


@quick
@given(scores, margins, st.integers(1, 12), st.booleans(), st.randoms())
def test_selection_keeps_its_bounds_whatever_the_order(
    values: list[float], margin: float, limit: int, balance: bool, random: Random
) -> None:
    edges = edges_of(sides(*values), margin)
    taken = select(edges, limit, balance)
    assert len(taken) <= limit
    assert names(taken) <= names(edges)
    assert len(names(taken)) == len(taken)
    assert not any((rejected, chosen) in names(taken) for chosen, rejected in names(taken))
    assert bool(taken) == bool(edges)
    if balance:
        most = math.ceil(len(taken) / 2)
        assert max(Counter(edge.chosen.id for edge in taken).values(), default=0) <= most
        assert max(Counter(edge.rejected.id for edge in taken).values(), default=0) <= most
    else:
        assert len(taken) == min(limit, len(edges))
        largest = sorted((edge.margin for edge in edges), reverse=True)[: len(taken)]
        assert [edge.margin for edge in taken] == largest
    shuffled = random.sample(edges, len(edges))
    assert select(shuffled, limit, balance) == taken


def test_the_largest_margins_are_taken() -> None:
    taken = select(edges_of(sides(0.0, 0.1, 0.9, 1.0), 0.25), 4, balance=True)
    assert names(taken) == {("s3", "s0"), ("s3", "s1"), ("s2", "s0"), ("s2", "s1")}


def test_balance_keeps_one_plan_from_being_every_chosen_side() -> None:
    edges = edges_of(sides(0.0, 0.0, 0.0, 0.0, 0.5, 1.0), 0.25)
    greedy = Counter(edge.chosen.id for edge in select(edges, 4, balance=False))
    balanced = Counter(edge.chosen.id for edge in select(edges, 4, balance=True))
    assert greedy == {"s5": 4}
    assert balanced == {"s5": 2, "s4": 2}


def test_equal_margins_spread_over_the_plans() -> None:
    taken = select(edges_of(sides(0.0, 0.0, 0.0, 1.0, 1.0, 1.0), 0.25), 3, balance=True)
    assert len({edge.chosen.id for edge in taken}) == 3
    assert len({edge.rejected.id for edge in taken}) == 3


def test_one_good_plan_gives_one_pair_only_when_balanced() -> None:
    edges = edges_of(sides(0.0, 0.0, 0.0, 1.0), 0.25)
    assert len(select(edges, 4, balance=True)) == 1
    assert len(select(edges, 4, balance=False)) == 3
