"""Fig. 5: points at their tokens, caps for what is unsolved, ceilings apart; the goal and its break-even."""

from typing import Any

import pytest

from reasonflux.evals.studies.curves import Curve, Rung
from reasonflux.evals.studies.fig5 import Fig5
from reasonflux.evals.studies.goal import Goal, break_even, compared
from reasonflux.evals.studies.training_cost import TrainingCost
from tests.unit.evals.studies.builders import TOKENS, arm, material

LADDER: dict[str, Any] = {"arms": ("r#small@model", "r#large@model"), "budgets": (2, 4), "unit": "rounds"}
STUDY = Fig5(
    kind="fig5",
    benchmark="set",
    difficulty="r#direct@weak",
    edges=(0.5,),
    curves=(
        Curve(name="direct", arms=("r#direct@model",), budgets=(1,), unit="samples"),
        Curve(name="interplay", **LADDER),
        Curve(name="any", arms=("r#direct@model",), budgets=(2,), unit="samples", choice="oracle"),
    ),
)
RUNS = material(
    arm("cc", "11", model="weak"),
    arm("c1", "11"),
    arm("cc", "11", method="small", reasoner_output_tokens=80),
    arm("cc", "11", method="large", reasoner_output_tokens=380),
)


def test_e5_accuracy_stands_at_the_tokens_of_all_roles_and_an_oracle_is_a_ceiling() -> None:
    frontier = STUDY.exhibits(RUNS).plots[0]
    assert frontier.log_x
    assert [(one.name, one.ceiling, [(point.x, point.y) for point in one.points]) for one in frontier.series] == [
        ("direct", False, [(TOKENS, 0.25)]),
        ("interplay", False, [(100, 0.5), (400, 0.5)]),
        ("any", True, [(2 * TOKENS, 0.5)]),
    ]
    points = [point for one in frontier.series for point in one.points]
    assert all(point.low is not None and point.high is not None for point in points)
    assert all(point.low <= point.y <= point.high for point in points)  # type: ignore[operator]


def test_e5_unsolved_problems_cost_their_cap_the_same_for_all_in_tokens_and_the_own_in_units() -> None:
    shown = STUDY.exhibits(RUNS)
    tokens, rounds = shown.plots[1:]
    assert [(one.name, [(point.x, point.y) for point in one.points]) for one in tokens.series] == [
        ("direct", [(1, 0.5 * TOKENS + 0.5 * 400), (2, 400)]),
        ("interplay", [(1, 100), (2, 400)]),
    ]
    assert "400 tokens" in tokens.caption
    assert (rounds.y, [point.y for point in rounds.series[0].points]) == ("rounds", [2, 4])
    by_bin = shown.tables[1]
    assert [(row[0], row[4]) for row in by_bin.rows][:2] == [("direct", None), ("direct", None)]
    assert not any("any" in str(row[0]) for row in by_bin.rows)


def _rung(budget: int, tokens: float, *right: float) -> Rung:
    problems = [f"p{number}" for number in range(len(right))]
    return Rung(budget=budget, right=dict(zip(problems, right, strict=True)), tokens=dict.fromkeys(problems, tokens))


@pytest.mark.parametrize(
    ("right", "tokens", "said"),
    [
        ([1, 1, 1, 1], 100, "reached"),
        ([1, 1, 0, 0], 100, "reached"),
        ([1, 1, 1, 1], 101, "too dear (reached)"),
        ([0, 0, 0, 0], 100, "missed"),
        ([0, 0, 1, 0], 100, "missed, within the interval"),
        ([0, 1, 1, 1], 100, "reached, within the interval"),
    ],
)
def test_the_goal_is_reached_where_the_mean_is_no_lower_for_a_quarter_of_the_tokens(
    right: list[float], tokens: float, said: str
) -> None:
    one = compared(_rung(1, tokens, *right), _rung(16, 400, 1, 1, 0, 0), 0.25)
    assert one.verdict == said


def test_training_pays_after_its_tokens_are_saved_and_never_where_none_are() -> None:
    assert break_even(10_000, 40) == "250"
    assert break_even(10_000, 0) is None
    assert break_even(10_000, -5) is None
    assert break_even(None, 40) is None


def test_the_goals_tables_name_what_training_cost_or_that_nobody_knows() -> None:
    arms = {"trained": "r#guided@new", "starting": "r#guided@old"}
    goal = Goal(**arms, votes=4, samples=(1, 2), trained_is="the committed one")
    study = Fig5.model_validate(STUDY.model_dump() | {"goal": goal.model_dump()})
    own = (arm("c1c1", "1111", method="guided", model="old"), arm("cccc", "c1cc", method="guided", model="new"))
    known = TrainingCost(rounds=3, generated=4_000, judged=1_000, learnt=1_000)
    assert known.total == 6_000
    everything = list(RUNS.runs["r"].cells.values())
    table, pays = study.exhibits(material(*map(list, everything), *own, training=known)).tables[2:]
    assert [row[1] for row in table.rows] == ["majority of 4", "one", "majority of 2"]
    assert [row[4] for row in table.rows] == ["1.00", "0.25", "0.50"]
    assert [str(row[6]).split(" (")[0] for row in table.rows[1:]] == ["reached", "too dear"]
    assert "committed" not in table.caption
    assert pays.rows[0] == ("trained, 1", "150", "6,000", "40")
    table, pays = study.exhibits(material(*map(list, everything), *own)).tables[2:]
    assert "The trained navigator: the committed one." in table.caption
    assert pays.rows[0] == ("trained, 1", "150", None, None)
    assert "not known" in pays.caption
