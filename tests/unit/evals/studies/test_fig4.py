"""Fig. 4: rounds and templates by difficulty, which is another reasoner's failure rate."""

from dataclasses import replace

import pytest

from reasonflux.errors import BadInput
from reasonflux.evals.samples import Sample
from reasonflux.evals.studies.fig4 import Fig4, templates_named
from reasonflux.evals.studies.material import Material
from tests.unit.evals.studies.builders import arm, measured, sample, solution

CELL = ("set", "model", "interplay")
STUDY = Fig4(
    kind="fig4",
    benchmark="set",
    measured="r#interplay@model",
    difficulty="y#direct@weak",
    edges=(0.5,),
    caveat="So it is.",
)


def runs(rounds: list[int], weak: list[str]) -> Material:
    made = [
        sample(mark, solution("1. Add", "1. Add\n2. Halve") if number > 1 else solution("1. Add"))
        for number, problem in zip(rounds, arm(*"c" * len(rounds), method="interplay"), strict=True)
        for mark in [replace(problem, rounds=number, templates=3)]
    ]
    own = measured(list(made), samples={CELL: made})
    return Material(runs={"r": own, "y": measured(arm(*weak, model="weak"))})


def test_e4_rounds_and_templates_are_means_in_bins_of_another_reasoners_failure_rate() -> None:
    shown = STUDY.exhibits(runs([1, 2, 3, 4], ["cccc", "cc11", "c111", "1111"]))
    first, second = shown.plots
    (rounds,) = first.series
    assert [(point.x, point.y) for point in rounds.points] == [(0.25, 1.5), (0.875, 3.5)]
    retrieved, named = second.series
    assert [point.y for point in retrieved.points] == [3, 3]
    assert [point.y for point in named.points] == [1.5, 2.0]
    assert "So it is." in first.caption
    by_bin, trend = shown.tables
    assert [row[1] for row in by_bin.rows] == ["2", "2"]
    assert [row[4] for row in trend.rows] == ["grows", "the same for every problem", trend.rows[2][4]]
    assert [row[3] for row in trend.rows] == ["not known"] * 3  # a single sample of each problem
    assert "That of the failure rate is 0.91 (0.50 to 1.00)" in trend.caption
    assert "25% of the problems are never solved, 25% always" in trend.caption


def test_problems_that_only_one_side_has_are_refused() -> None:
    with pytest.raises(BadInput, match="1 problems stand in difficulty or in measured alone"):
        STUDY.exhibits(runs([1, 2], ["cc", "cc", "cc"]))


def test_templates_are_counted_once_over_all_plans_and_only_where_plans_are_bound() -> None:
    assert templates_named(solution("1. Add\n2. Halve", "1. add\n2. Double")) == 3
    assert templates_named(solution("1. Add", bound=False)) == 0


def test_a_sample_is_a_mark_with_more() -> None:
    (mark,) = arm("c")
    assert isinstance(sample(mark, solution("1. Add")), Sample)
