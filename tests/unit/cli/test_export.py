"""`reasonflux export`: what went well becomes rows that a training reads, and nothing else does."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from reasonflux.cli.main import main
from reasonflux.distributed import benchmarking
from reasonflux.records import Problem, Trajectory, TrajectoryReward
from reasonflux.training.data import read_rows
from reasonflux.training.demonstrations import Demonstrations
from reasonflux.training.recipe import TrainingRecipe
from tests.unit.evals.runs import Inside, run_suite, suite
from tests.unit.rounds.small_run import SmallRun, make_run


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallRun:
    return make_run(tmp_path_factory.mktemp("runs"))


def trained_on(file: Path) -> list[dict[str, object]]:
    """What the trainer makes of a file."""
    values = {"name": "sft", "stage": "trajectory_sft", "role": "navigator", "base": "b", "learning_rate": 1}
    return [dict(row) for row in read_rows(TrainingRecipe.model_validate(values | {"data": str(file)}))]


def test_v9_the_best_plan_of_each_problem_becomes_a_row_that_a_training_reads(small: SmallRun, tmp_path: Path) -> None:
    file = tmp_path / "plans.jsonl"
    assert main(["export", "plans", small.run.store.uri, str(file), "--least", "0.1"]) == 0
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    rewards = {row.id: row for row in small.run.stage("rewards", TrajectoryReward).records(0)}
    plans = {row.id: row for row in small.run.stage("trajectories", Trajectory).records(0)}
    known = [row for row in rows if row["id"] in plans]
    assert known
    for row in known:
        others = [one.reward or 0.0 for one in rewards.values() if one.problem_id == row["problem_id"]]
        assert row["reward"] == rewards[row["id"]].reward == max(others)
        assert row["completion"] == [{"role": "assistant", "content": plans[row["id"]].plan}]
    assert len({row["problem_id"] for row in rows}) == len(rows)
    assert [row["prompt"] for row in trained_on(file)] == [row["prompt"] for row in rows]


def test_what_stands_in_a_benchmark_is_left_out_and_counted(
    shared_data: Callable[[str], Path], small: SmallRun
) -> None:
    question = json.loads(shared_data("data/math500.jsonl").read_text().splitlines()[0])["problem"]
    own = small.run.stage("problems", Problem).records(0)
    taken = [Problem(id=own[0].id, text=question, gold="1", problem_set="mine"), *own[1:]]
    plans = small.run.stage("trajectories", Trajectory).records(0)
    rewards = small.run.stage("rewards", TrajectoryReward).records(0)
    found, whole = Demonstrations(), Demonstrations()
    rows = list(found.plans(taken, plans, rewards, least=0.0))
    assert len(rows) == len(list(whole.plans(own, plans, rewards, least=0.0))) - 1
    assert (dict(found.left_out), dict(whole.left_out)) == ({"math500": 1}, {})


async def test_f1a_correct_solutions_of_a_benchmark_run_become_long_chains_of_thought(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmarking, "Verifier", Inside)
    bound, _, _ = await run_suite(suite(tmp_path))
    file = tmp_path / "cots.jsonl"
    assert main(["export", "long-cot", bound.run.store.uri, str(file)]) == 0
    rows = trained_on(file)
    assert len(rows) == 3 * 2 * 2 + 1 * 1 * 2  # even sums, by samples and methods, in both benchmarks
    assert all(str(row["completion"]).count("<think>") == 1 for row in rows)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["plans", "{run}", "{out}/plans.txt"], "no .jsonl file"),
        (["plans", "{run}", "{out}/plans.jsonl", "--least", "2"], "nothing to train on"),
        (["plans", "{out}/nowhere", "{out}/plans.jsonl"], "no finished stage"),
        (["long-cot", "{run}", "{out}/cots.jsonl"], "results.json"),
    ],
)
def test_nothing_to_export_is_one_line_and_no_file(
    arguments: list[str], told: str, small: SmallRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = [argument.format(run=small.run.store.uri, out=tmp_path) for argument in arguments]
    assert main(["export", *named]) == 2
    printed = capsys.readouterr().err
    assert told in printed and printed.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
