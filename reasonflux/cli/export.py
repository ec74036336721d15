"""`reasonflux export plans|long-cot RUN FILE`: what went well in a run, as rows that `jobs/train.py` fine-tunes on."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import yaml

from reasonflux.cli.command import Command
from reasonflux.errors import BadInput
from reasonflux.evals.results import Results
from reasonflux.evals.samples import Sample
from reasonflux.library.load import load_library
from reasonflux.records import Problem, Solution, ThoughtTemplate, Trajectory, TrajectoryReward
from reasonflux.storage.run import Run
from reasonflux.storage.store import Store
from reasonflux.training.demonstrations import Demonstrations
from reasonflux.training.rows import Row

LEAST = 0.75


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("run", help="run directory or URI")
    parser.add_argument("file", help="the .jsonl file to write; data of a recipe with stage trajectory_sft")


def _plan_arguments(parser: ArgumentParser) -> None:
    _arguments(parser)
    parser.add_argument("--least", type=float, default=LEAST, help=f"reward that a plan must have ({LEAST})")


def _plans(arguments: Namespace) -> int:
    found = Demonstrations()
    return _write(arguments.file, _plan_rows(Run(Store.at(arguments.run)), found, arguments.least), found)


def _plan_rows(run: Run, found: Demonstrations, least: float) -> Iterator[Row]:
    problems, plans = run.stage("problems", Problem), run.stage("trajectories", Trajectory)
    rewards = run.stage("rewards", TrajectoryReward)
    for shard in range(rewards.finished_shards("Name a run of jobs/generate_pairs.py")):
        yield from found.plans(problems.records(shard), plans.records(shard), rewards.records(shard), least)


def _long_cot(arguments: Namespace) -> int:
    found = Demonstrations()
    return _write(arguments.file, _long_cot_rows(Run(Store.at(arguments.run)), found), found)


def _long_cot_rows(run: Run, found: Demonstrations) -> Iterator[Row]:
    models = Results.read(run).models
    config = yaml.safe_load(run.store.read("config.yaml"))["models"]
    for model in models:
        stage = run.stage(f"samples-{model}", Sample)
        templates = _templates(config[model].get("library"))
        for shard in range(stage.finished_shards("Let the run end first")):
            yield from found.long_cots(map(_solved, stage.records(shard)), templates)


def _templates(library: str | None) -> dict[str, ThoughtTemplate]:
    return dict(load_library(library).by_id) if library else {}


def _solved(sample: Sample) -> tuple[Problem, Solution]:
    problem = Problem(id=sample.problem_id, text=sample.question, gold=sample.gold, problem_set=sample.benchmark)
    return problem, replace(sample.solution, verdict=sample.verdict)


def _write(file: str, rows: Iterable[Row], found: Demonstrations) -> int:
    """0; raises `BadInput` where there is nothing to write, and leaves no file then."""
    if Path(file).suffix != ".jsonl":
        raise BadInput(f"{file} is no .jsonl file", "Name one")
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    told = "".join(f"; left out, of the benchmark {name}: {count}" for name, count in sorted(found.left_out.items()))
    if not lines:
        raise BadInput(f"nothing to train on was found{told}", "Lower --least, or name a run with correct solutions")
    folder, _, name = file.rpartition("/")
    Store.at(folder or ".").put(name, ("\n".join(lines) + "\n").encode())
    print(f"{len(lines):,} rows in {file}{told}")
    return 0


PLANS = Command(help="the best plan of each problem, of a run of generate_pairs", arguments=_plan_arguments, run=_plans)
LONG_COT = Command(help="correct solutions of a benchmark run", arguments=_arguments, run=_long_cot)
