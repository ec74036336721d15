"""Comparisons of two runs: paired over problems, corrected over benchmarks, refused where they do not pair."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from reasonflux.errors import BadInput
from reasonflux.evals.comparing import compare, holm, table
from reasonflux.evals.metrics import group
from tests.unit.evals.marks import marks


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_lies_between_the_p_values_and_bonferroni_s(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    assert all(p <= q <= min(1, len(p_values) * p) for p, q in zip(p_values, adjusted, strict=True))
    assert sorted(adjusted) == [adjusted[place] for place in sorted(range(len(p_values)), key=p_values.__getitem__)]


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


def test_a_difference_over_problems_is_found_and_equal_runs_have_none() -> None:
    worse, better = marks(*["11"] * 12, *["cc"] * 8), marks(*["c1"] * 10, "11", "11", *["cc"] * 8)
    (found,) = compare(group(worse), group(better))
    assert (found.problems, found.mean_a, found.mean_b, found.difference) == (20, 0.4, 0.65, 0.25)
    assert found.p == found.adjusted < 0.01
    assert 0 < found.low < found.difference < found.high
    (none,) = compare(group(worse), group(worse))
    assert (none.difference, none.p, none.low, none.high) == (0, 1, 0, 0)
    (back,) = compare(group(better), group(worse))
    assert back.p == pytest.approx(found.p) and back.difference == -0.25


def test_p_values_are_corrected_over_the_table_s_benchmarks() -> None:
    a = marks(*["1"] * 8, benchmark="x") + marks(*["1"] * 8, benchmark="y")
    b = marks(*["c"] * 8, benchmark="x") + marks(*["c"] * 7, "1", benchmark="y")
    x, y = compare(group(a), group(b))
    assert (x.benchmark, y.benchmark) == ("x", "y")
    assert (x.p, x.adjusted) == pytest.approx((2 / 256, 4 / 256))
    assert (y.p, y.adjusted) == pytest.approx((4 / 256, 4 / 256))


def test_one_method_of_each_side_pairs_whatever_it_is_called_and_several_pair_by_name() -> None:
    direct, guided = marks("1", "1", method="direct"), marks("c", "1", method="guided")
    (found,) = compare(group(direct), group(guided))
    assert (found.a, found.b, found.difference) == ("direct, model", "guided, model", 0.5)
    both = group(direct + guided)
    assert [one.difference for one in compare(both, both)] == [0, 0]
    with pytest.raises(BadInput, match="RUN#METHOD"):
        compare(both, group(marks("1", method="mcts")))


def test_other_problems_are_refused() -> None:
    with pytest.raises(BadInput, match="set: 1 problems stand on one side alone"):
        compare(group(marks("c", "c")), group(marks("c", "c", "c")))


def test_the_table_says_what_is_significant() -> None:
    console = Console(file=io.StringIO(), width=160)
    with console.capture() as captured:
        console.print(table(compare(group(marks(*["1"] * 9)), group(marks(*["c"] * 9))), "runs/a", "runs/b"))
    shown = captured.get()
    assert "runs/b against runs/a" in shown and "+100.0" in shown and "0.0039 *" in shown
