"""Credit compares plans of one problem; proposals rest on intervals, and say nothing where there is nothing."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reasonflux.cli.main import main
from reasonflux.errors import BadInput
from reasonflux.library.credit import FEWEST_PROBLEMS, credit_by_template, uses
from reasonflux.library.credit_report import CreditReport, read_uses
from reasonflux.library.load import TemplateLibrary, library_of
from reasonflux.library.proposals import propose
from reasonflux.library.saving import save_library
from reasonflux.records import Problem, Step, Trajectory, TrajectoryReward, Usage
from reasonflux.storage.run import Run
from reasonflux.storage.stage import Stage
from tests.unit.library.builders import template

GOOD, BAD, MIXED = template("Good"), template("Bad", tags=("b",)), template("Mixed", tags=("m",))
LIBRARY = library_of([GOOD, BAD, MIXED, template("Never used", tags=("n",))], source="here")
Rows = tuple[list[Problem], list[Trajectory], list[TrajectoryReward]]


def plan(plan_id: str, problem: str, *templates: str) -> Trajectory:
    names = {one.id: one.name for one in LIBRARY.templates}
    return Trajectory(
        id=plan_id,
        problem_id=problem,
        round=0,
        index=0,
        prompt=(),
        text="",
        steps=tuple(Step(name=names.get(one, ""), written="", template_id=one or None) for one in templates),
        plan=plan_id,
        in_library=0,
        status="done",
        failure=None,
        usage=Usage(),
    )


def reward(plan_id: str, problem: str, value: float | None, *, drawn: int = 1, whole: bool = True) -> TrajectoryReward:
    return TrajectoryReward(
        id=plan_id,
        problem_id=problem,
        multiplicity=drawn,
        reward=value,
        n=4,
        standard_error=None,
        failed=0,
        exhaustive=whole,
    )


def rows(count: int = 60, seed: int = 0) -> Rows:
    """Good plans get 0.3 more, bad ones 0.3 less; mixed ones 0.4 more where it is easy, and less where it is hard."""
    random = np.random.default_rng(seed)
    problems, plans, rewards = [], [], []
    for number in range(count):
        problem, level = f"p{number}", ("easy", "hard")[number % 2]
        problems.append(Problem(id=problem, text="", gold="", problem_set="s", level=level))
        worth = {GOOD.id: 0.3, BAD.id: -0.3, MIXED.id: 0.4 if level == "easy" else -0.4, "": 0.0}
        for template_id, effect in worth.items():
            plans.append(plan(f"{problem} {template_id}", problem, template_id))
            rewards.append(reward(plans[-1].id, problem, 0.5 + effect + float(random.normal(0, 0.05))))
    return problems, plans, rewards


def test_the_effect_is_over_problems_with_plans_of_both_kinds_and_draws_count() -> None:
    problems = [Problem(id=name, text="", gold="", problem_set="s") for name in ("p", "q", "r")]
    plans = [plan("1", "p", GOOD.id), plan("2", "p"), plan("3", "q", GOOD.id), plan("4", "r"), plan("5", "p", GOOD.id)]
    rewards = [
        reward("1", "p", 1.0, drawn=3),
        reward("2", "p", 0.25),
        reward("3", "q", 0.0),
        reward("4", "r", 0.0),
        reward("5", "p", 0.0),
    ]
    (row,) = credit_by_template(uses(problems, plans, rewards))
    assert (row.name, row.problems, row.plans) == ("Good", 2, 5)
    assert row.effect is not None and row.effect.problems == 1 and row.effect.interval is None
    assert (row.effect.reward_with, row.effect.reward_without) == (0.75, 0.25)


def test_what_was_left_early_or_not_graded_does_not_count() -> None:
    problems = [Problem(id="p", text="", gold="", problem_set="s")]
    plans = [plan("1", "p", GOOD.id), plan("2", "p", BAD.id), plan("3", "p")]
    rewards = [reward("1", "p", 1.0, whole=False), reward("2", "p", None), reward("3", "p", 0.5)]
    assert uses(problems, plans, rewards) == []


def test_effects_are_found_by_difficulty() -> None:
    found = {row.name: row for row in credit_by_template(uses(*rows()))}
    assert found["Good"].effect is not None and found["Good"].effect.interval is not None
    low, high = found["Good"].effect.interval
    assert low < found["Good"].effect.mean < high and low > 0
    assert found["Mixed"].by_group["easy"].mean > 0.3 and found["Mixed"].by_group["hard"].mean < -0.3
    assert {effect.problems for effect in found["Mixed"].by_group.values()} == {30}


def test_harm_is_retired_and_what_helps_here_and_harms_there_is_split() -> None:
    proposals = propose(uses(*rows()), LIBRARY)
    assert [(one.action, one.names) for one in proposals] == [("retire", ("Bad",)), ("split", ("Mixed",))]


def test_few_problems_and_noise_propose_nothing() -> None:
    assert propose(uses(*rows(FEWEST_PROBLEMS - 1)), LIBRARY) == []
    random = np.random.default_rng(1)
    problems, plans, rewards = rows()
    noise = [reward(one.id, one.problem_id, float(random.uniform())) for one in rewards]
    assert propose(uses(problems, plans, noise), LIBRARY) == []


def test_near_doubles_are_merged_where_they_led_to_the_same_rewards_and_opposites_are_not() -> None:
    """The good one's twin is as good; the one that subtracts is right where the one that adds is wrong."""
    twin = template("The good", steps=GOOD.steps)
    add, subtract = template("Add the root", tags=("r",)), template("Subtract the root", tags=("r",))
    library = library_of([GOOD, twin, add, subtract], source="here")
    random = np.random.default_rng(0)
    problems, plans, rewards = [], [], []
    for number in range(30):
        problems.append(Problem(id=f"p{number}", text="", gold="", problem_set="s"))
        worth = {GOOD.id: 0.8, twin.id: 0.8, add.id: 0.1 + 0.8 * (number % 2), subtract.id: 0.9 - 0.8 * (number % 2)}
        for template_id, value in worth.items():
            plans.append(plan(f"p{number} {template_id}", f"p{number}", template_id))
            rewards.append(reward(plans[-1].id, f"p{number}", value + float(random.normal(0, 0.1))))
    rewards[0] = reward(rewards[0].id, "p0", 0.8, drawn=2)
    merges = [one for one in propose(uses(problems, plans, rewards), library) if one.action == "merge"]
    assert [one.templates for one in merges] == [(GOOD.id, twin.id)]  # the one that was drawn more often is to stay
    assert [one for one in propose(uses(problems[:9], plans, rewards), library) if one.action == "merge"] == []


def made_run(tmp_path: Path, library: TemplateLibrary = LIBRARY) -> Run:
    save_library(library, tmp_path / "library.json")
    run = Run.open(tmp_path, "run", f"library: {tmp_path}/library.json\n")
    problems, plans, rewards = rows()
    stages: list[tuple[Stage[Any], list[Any]]] = [
        (run.stage("problems", Problem), problems),
        (run.stage("trajectories", Trajectory), plans),
        (run.stage("rewards", TrajectoryReward), rewards),
    ]
    for stage, made in stages:
        stage.put_shard(0, [one for one in made if getattr(one, "problem_id", one.id) < "p3"])
        stage.put_shard(1, [one for one in made if getattr(one, "problem_id", one.id) >= "p3"])
        stage.finish(2, {})
    return run


def test_a_run_is_read_shard_by_shard_and_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = made_run(tmp_path)
    read, known = (
        {(use.problem_id, use.name): use.reward_without for use in found} for found in (read_uses(run), uses(*rows()))
    )
    assert read == pytest.approx(known)
    assert main(["library", "credit", run.store.uri, "--plot", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert f"picture: {tmp_path}/credit.png" in told and not run.store.get("credit.png")
    assert "retire" in told and "1 were never used" in told and "hard" in told
    assert (tmp_path / "credit.png").read_bytes().startswith(b"\x89PNG")
    assert main(["library", "credit", run.store.uri, "--json"]) == 0
    assert '"unused": ["Never used"]' in capsys.readouterr().out


def test_a_run_without_rewards_or_with_another_library_is_refused(tmp_path: Path) -> None:
    unfinished = Run.open(tmp_path, "unfinished", "library: testbed\n")
    with pytest.raises(BadInput, match="no finished stage rewards"):
        read_uses(unfinished)
    run = made_run(tmp_path)
    run.finish({"library": LIBRARY.digest})
    assert main(["library", "credit", run.store.uri]) == 0
    assert run.store.read("credit.png").startswith(b"\x89PNG")
    assert main(["library", "credit", run.store.uri, "--library", "testbed"]) == 2


def test_a_report_of_nothing_is_a_report() -> None:
    report = CreditReport.of([], LIBRARY)
    assert report.rows == () and len(report.unused) == 4
    assert report.picture().startswith(b"\x89PNG")
