"""Difficulty is a failure rate, and every problem lies in one bin."""

import pytest
from pydantic import TypeAdapter, ValidationError

from reasonflux.evals.metrics import by_problem
from reasonflux.evals.studies.difficulty import Edges, bins, failure_rates
from tests.unit.evals.marks import marks


def test_whatever_is_not_correct_has_failed() -> None:
    rates = failure_rates(by_problem(marks("cccc", "c1ut", "eeee")))
    assert rates == {"p0000": 0.0, "p0001": 0.75, "p0002": 1.0}


def test_a_rate_on_an_edge_belongs_below_it_and_an_empty_bin_is_left_out() -> None:
    rates = {"a": 0.0, "b": 0.25, "c": 0.3, "d": 0.5, "e": 1.0}
    found = bins(rates, (0.25, 0.5, 0.75, 0.99))
    assert [(one.number, one.problems) for one in found] == [(1, ("a", "b")), (2, ("c", "d")), (5, ("e",))]
    assert [one.rate for one in found] == [0.125, 0.4, 1.0]
    assert [one.name for one in found] == ["1: [0.00, 0.25]", "2: (0.25, 0.50]", "5: (0.99, 1.00]"]


def test_a_problem_without_a_failure_lies_in_the_first_bin_even_where_its_edge_is_zero() -> None:
    assert [one.problems for one in bins({"a": 0.0, "b": 0.1}, (0.0,))] == [("a",), ("b",)]


@pytest.mark.parametrize("edges", [(0.5, 0.25), (0.5, 0.5), (-0.1,), (1.0,)])
def test_edges_that_do_not_grow_within_zero_and_one_are_refused(edges: tuple[float, ...]) -> None:
    with pytest.raises(ValidationError, match="edges grow"):
        TypeAdapter(Edges).validate_python(edges)
