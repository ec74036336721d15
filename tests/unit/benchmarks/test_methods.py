"""The comparison counts every method's tokens by role, and what a method failed at as wrong."""

import asyncio
from dataclasses import replace
from functools import partial

import pytest

from benchmarks.methods import COMPARED, row, table
from benchmarks.testbed_engines import over, tools_for
from reasonflux.protocols import Sampling
from reasonflux.reasoning.methods import METHODS, Role
from reasonflux.records import Failure
from reasonflux.testbed.execution import plan_text
from reasonflux.testbed.world import family_of, generate_problems
from tests.scripted import ScriptedGenerate

PROBLEMS = generate_problems(27, "final", seed=0)
BY_TEXT = {problem.text: problem for problem in PROBLEMS}


def right(request):
    text = request.messages[0].content
    problem = BY_TEXT[text.partition("Problem: ")[2].partition("\n")[0]]
    if text.startswith("Judge"):
        return "continue"
    if text.startswith("Plan"):
        return plan_text(family_of(problem).plan)
    return f"\\boxed{{{problem.gold}}}"


@pytest.fixture(scope="module")
def solved():
    role = Role(generate=ScriptedGenerate(right), sampling=Sampling())
    tools = tools_for(role, role, None)
    return {name: asyncio.run(over(PROBLEMS, partial(method, tools=tools))) for name, method in COMPARED.items()}


def test_every_method_is_compared():
    given = {"templated"}  # its plan comes from the problem's source: a condition of an experiment
    assert {method.name for method in COMPARED.values()} == set(METHODS) - given


def test_tokens_of_both_roles_add_up_and_methods_without_plans_ask_no_navigator(solved):
    rows = {name: row(PROBLEMS, solutions, 1.0) for name, solutions in solved.items()}
    for name, one in rows.items():
        assert one["accuracy"]["mean"] == 1.0
        assert sum(sum(sides) for sides in one["tokens_in_out"].values()) == pytest.approx(one["tokens"])
        asks = COMPARED[name].name in ("guided", "interplay") or "plans" in name
        assert (sum(one["tokens_in_out"]["navigator"]) > 0) == asks
    assert rows["best of 4 plans, majority"]["requests"] == 8
    assert all(name in table({"rows": rows}) for name in COMPARED)


def test_a_failed_solution_is_counted_as_wrong(solved):
    failure = Failure(stage="direct", error="engine_error", message="scripted")
    first, *others = solved["direct"]
    one = row(PROBLEMS, [replace(first, answer=None, failure=failure), *others], 1.0)
    assert one["accuracy"]["mean"] == pytest.approx(26 / 27, abs=1e-4)
    assert one["failed"] == 1
