"""The control of the curve spends the tokens that interplay spends, and difficulty comes from the yardstick alone."""

import json
import random
from contextlib import asynccontextmanager

import pytest

from benchmarks import interplay_curve
from benchmarks.interplay_curve import (
    BINS,
    Blind,
    bin_of,
    failure_rates,
    outcomes,
    plan_again,
    point,
    row,
    spent,
    tables,
    wilson,
)
from benchmarks.testbed_engines import YARDSTICK, over, tools_for
from benchmarks.testbed_judgements import judgements
from reasonflux.protocols import Request, Sampling
from reasonflux.reasoning.methods import Role
from reasonflux.testbed.demonstrations import Bias, demonstrate
from reasonflux.testbed.evaluation import read_plan
from reasonflux.testbed.execution import execute, plan_text
from reasonflux.testbed.judgements import judgement
from reasonflux.testbed.recipe import load_recipe
from reasonflux.testbed.world import family_of, generate_problems, numbers_of
from tests.scripted import ScriptedGenerate

BIAS = Bias(**load_recipe().navigator.bias.model_dump())
PROBLEMS = generate_problems(108, "final", seed=0)
BY_TEXT = {problem.text: problem for problem in PROBLEMS}


def perfect(request: Request) -> str:
    """A world in which plans are demonstrations, judgements are the designed ones, and every step is carried out."""
    text = request.messages[0].content
    problem = BY_TEXT[text.partition("Problem: ")[2].partition("\n")[0]]
    plan = read_plan(text.partition("Plan:\n")[2].partition("Given:" if "Given:" in text else "Problem:")[0]).plan
    if "Given:" in text:
        return judgement(problem, plan, text.partition("Given:\n")[2].count("\n"))
    if "Plan:" in text:
        return execute(numbers_of(problem), plan).text
    if text.startswith("Solve"):
        return f"\\boxed{{{problem.gold if (request.seed or 0) % 4 else 'none'}}}"
    return plan_text(demonstrate(random.Random(request.seed), family_of(problem), BIAS))


@pytest.fixture
def tools():
    role = Role(generate=ScriptedGenerate(perfect), sampling=Sampling())
    return tools_for(role, role, None)


async def test_the_control_spends_the_tokens_of_interplay_over_all_problems(tools):
    measured = await point(PROBLEMS, tools, 4)
    budget = sum(map(spent, measured.interplay))
    assert budget <= sum(blind.tokens for blind in measured.blind) <= 1.01 * budget
    plans = [len(blind.answers) for blind in measured.blind]
    assert max(plans) - min(plans) == 1 and min(plans) >= 2


async def test_the_control_draws_another_plan_each_time_and_every_problem_has_one(tools):
    (blind,) = await plan_again(PROBLEMS[:1], tools, 2000)
    asked = [request for request in tools.navigator.generate.requests if "Plan how" in request.messages[0].content]
    assert len({request.seed for request in asked}) == len(asked) == len(blind.answers) + 1  # the last was not needed
    assert {len(blind.answers) for blind in await plan_again(PROBLEMS, tools, 0)} == {1}


async def test_more_rounds_never_hurt_where_judgements_are_perfect_and_no_rounds_is_one_pass(tools):
    accuracies = []
    for rounds in (0, 1, 4):
        measured = await point(PROBLEMS, tools, rounds)
        assert all(solution.rounds <= rounds for solution in measured.interplay)
        accuracies.append(sum(outcomes(PROBLEMS, measured)["interplay"]) / len(PROBLEMS))
    assert accuracies[0] < accuracies[1] < accuracies[2]
    assert accuracies[0] == pytest.approx(0.4, abs=0.12)


async def test_perfect_judgements_are_counted_as_such(tools):
    measured = await point(PROBLEMS, tools, 4)
    shares = judgements(PROBLEMS, measured.interplay)
    assert [share.split()[0] for share in shares.values()] == ["1.000", "0.000", "0.000", "0.000"]


async def test_the_failure_rate_is_the_share_of_missed_golds_whatever_the_plan(tools):
    rates = await failure_rates(PROBLEMS, tools.reasoner, 8)
    assert sum(rates) / len(rates) == pytest.approx(0.25, abs=0.05)
    assert {bin_of(rate) for rate in rates} <= set(BINS)


@pytest.mark.parametrize(
    ("rate", "name"), [(0, "easy"), (0.5, "easy"), (0.625, "middle"), (0.875, "middle"), (1, "hard")]
)
def test_a_failure_rate_has_one_bin(rate, name):
    assert bin_of(rate) == name


def test_the_majority_is_the_most_frequent_answer_and_no_answer_has_no_vote():
    assert Blind(answers=("7", "5", None, None, "5"), tokens=1).majority == "5"
    assert Blind(answers=("7", "5"), tokens=1).majority == "7"
    assert Blind(answers=(None,), tokens=1).majority is None


async def test_the_tables_show_every_point_with_its_interval(tools):
    none, two = [await point(PROBLEMS, tools, rounds) for rounds in (0, 2)]
    rates = [0.75] * len(PROBLEMS)
    rows = [row(PROBLEMS, rates, none), row(PROBLEMS, rates, two, none)]
    text = tables({"rows": rows})
    assert rows[1]["interplay − fewer rounds"]["low"] > 0 and rows[0]["interplay − fewer rounds"] is None
    assert "| 2 | " in text and " to " in text and "| middle | 108 |" in text
    assert rows[0]["accuracy"]["interplay"]["n"] == 108


async def test_work_in_flight_keeps_the_order_of_its_items():
    async def double(item: int) -> int:
        return 2 * item

    assert await over(range(600), double) == [2 * item for item in range(600)]


def test_the_command_measures_every_point_prints_tables_and_writes_json(tools, tmp_path, capsys, monkeypatch):
    @asynccontextmanager
    async def scripted_roles(*names):
        assert names == (YARDSTICK,)
        yield [tools.reasoner]

    @asynccontextmanager
    async def scripted_tools():
        yield tools

    monkeypatch.setattr(interplay_curve, "roles", scripted_roles)
    monkeypatch.setattr(interplay_curve, "testbed_tools", scripted_tools)
    out = tmp_path / "curve.json"
    arguments = ["--problems", "54", "--tries", "4", "--rounds", "0", "2", "--out", str(out)]
    assert interplay_curve.main(arguments) == 0
    result = json.loads(out.read_text(encoding="utf-8"))
    assert [row["rounds"] for row in result["rows"]] == [0, 2]
    assert sum(result["bins"].values()) == 54
    assert sum(one["interplay"]["n"] for one in result["rows"][1]["by_difficulty"].values()) == 54
    assert "| easy |" in capsys.readouterr().out


def test_a_bins_interval_is_wilsons():
    one = wilson([1.0] * 8 + [0.0] * 2)
    assert (one.mean, one.n) == (0.8, 10)
    assert (one.low, one.high) == pytest.approx((0.490, 0.943), abs=0.001)
