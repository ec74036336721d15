"""What a budget solves and costs, by hand."""

from typing import Any

import pytest
from pydantic import ValidationError

from reasonflux.errors import BadInput
from reasonflux.evals.studies.curves import Curve, cost_of_solving, rungs
from tests.unit.evals.studies.builders import TOKENS, arm, material

NAVIGATED: dict[str, Any] = {"navigator_prompt_tokens": 5, "navigator_output_tokens": 2, "navigator_cached_tokens": 4}


def test_tokens_are_those_of_both_roles_in_and_out_and_what_was_cached_counts() -> None:
    curve = Curve(name="guided", arms=("r#guided@model",), budgets=(1,), unit="samples")
    (one,) = rungs(curve, material(arm("c1", "11", method="guided", **NAVIGATED)), "set")
    assert one.right == {"p0000": 0.5, "p0001": 0.0}
    assert one.tokens == {"p0000": TOKENS + 7, "p0001": TOKENS + 7}


def test_a_vote_costs_all_its_samples_and_an_oracle_takes_any_right_one() -> None:
    runs = material(arm("ccc1", "c111", "1111"))
    vote = Curve(name="vote", arms=("r#direct@model",), budgets=(1, 4), unit="samples", choice="majority")
    one, four = rungs(vote, runs, "set")
    assert list(one.right.values()) == [0.75, 0.25, 0.0]
    assert list(four.right.values()) == [1.0, 0.0, 0.0]
    assert set(four.tokens.values()) == {4 * TOKENS}
    any_of = Curve(name="any", arms=("r#direct@model",), budgets=(2, 4), unit="samples", choice="oracle")
    two, four = rungs(any_of, runs, "set")
    assert list(two.right.values()) == [1.0, 0.5, 0.0]
    assert list(four.right.values()) == [1.0, 1.0, 0.0]
    assert any_of.ceiling and not vote.ceiling


def test_a_vote_of_more_samples_than_were_drawn_is_refused() -> None:
    curve = Curve(name="vote", arms=("r#direct@model",), budgets=(4,), unit="samples", choice="majority")
    with pytest.raises(BadInput, match="vote: 4 samples are asked for, 2 were drawn"):
        rungs(curve, material(arm("cc")), "set")


def test_arms_of_growing_budget_are_the_rungs_of_one_curve() -> None:
    runs = material(
        arm("1", method="mcts_4", reasoner_output_tokens=80), arm("c", method="mcts_8", reasoner_output_tokens=180)
    )
    curve = Curve(name="MCTS", arms=("r#mcts_4@model", "r#mcts_8@model"), budgets=(4, 8), unit="rollouts")
    assert [(one.budget, *one.right.values(), *one.tokens.values()) for one in rungs(curve, runs, "set")] == [
        (4, 0.0, 100.0),
        (8, 1.0, 200.0),
    ]


def test_an_unsolved_problem_costs_the_cap_and_a_solved_one_its_first_right_budget() -> None:
    assert cost_of_solving([0.0, 0.0], [4, 8], cap=8) == 8
    assert cost_of_solving([1.0, 1.0], [4, 8], cap=8) == 4
    assert cost_of_solving([0.0, 1.0], [4, 8], cap=8) == 8
    assert cost_of_solving([0.5, 0.5], [4, 8], cap=16) == 0.5 * 4 + 0.25 * 8 + 0.25 * 16


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"budgets": (1, 2)}, "a budget for each arm"),
        ({"arms": ("r#a@m", "r#b@m"), "choice": "oracle"}, "among those of one arm"),
        ({"arms": ("r#a@m", "r#b@m"), "budgets": (2, 1)}, "budgets grow"),
        ({"arms": ("a@m",)}, "match pattern"),
    ],
)
def test_a_curve_that_makes_no_sense_is_refused(changes: dict[str, object], said: str) -> None:
    values = {"name": "x", "arms": ("r#a@m",), "budgets": (1,), "unit": "samples"}
    with pytest.raises(ValidationError, match=said):
        Curve.model_validate(values | changes)
