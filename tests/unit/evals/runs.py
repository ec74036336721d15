"""A benchmark run without Ray or engines: its stages called as the stream would call them, its models scripted."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reasonflux.config import VerifierConfig
from reasonflux.configuring import dump_config
from reasonflux.distributed import benchmarking
from reasonflux.distributed.benchmark_checks import check_benchmarks, specs_of
from reasonflux.distributed.benchmarking import Bound, GradingWorker, SolvingWorker
from reasonflux.evals.exporting import export
from reasonflux.evals.results import Cost, Results, read_marks
from reasonflux.evals.suite import BenchmarkJob
from reasonflux.protocols import Grading, Request
from reasonflux.rewards.graders import Grader, grade_text
from reasonflux.rewards.judge import judge_prompts
from reasonflux.storage.lease import Holder, Lease
from reasonflux.storage.run import Run
from tests.scripted import ScriptedGenerate

STARTED = "2026-11-21T17:00:00+00:00"


class Inside:
    """A verifier that grades in this process: these texts are harmless."""

    def __init__(self, config: VerifierConfig, grader: Grader) -> None:
        self._grader = grader

    async def __call__(self, items: Sequence[tuple[str, str]]) -> list[Grading]:
        graded = [grade_text(text, gold, self._grader) for text, gold in items]
        return [Grading(verdict=verdict, answer=answer, seconds=0.0) for verdict, answer in graded]


ROWS = [{"id": f"sum/{n}", "problem": f"What is {n} + 1?", "answer": str(n + 1)} for n in range(5)]


def suite(path: Path, **changes: Any) -> BenchmarkJob:
    """Two benchmarks of the same sums, one model, two methods."""
    (path / "sums.jsonl").write_text("\n".join(map(json.dumps, ROWS)), encoding="utf-8")
    problems = {"source": "jsonl", "path": str(path / "sums.jsonl"), "fields": {"id": "id"}}
    sampling = {"navigator": {"max_tokens": 8}, "reasoner": {"max_tokens": 8}}
    values: dict[str, Any] = {
        "name": "small",
        "benchmarks": {
            "sums": {"problems": problems, "protocol": {"samples": 2, **sampling}},
            "first": {"problems": problems | {"limit": 1}, "grader": "list", "protocol": {"samples": 1, **sampling}},
        },
        "models": {"tiny": {"navigator": {"model": "m", "device": "cpu"}, "prompts": "plain"}},
        "methods": {"direct": {}, "best_of_3": {"method": "best_of_n", "n": 3}},
        "stream": {"shard_problems": 2},
        "output": {"root": str(path / "runs")},
    }
    return BenchmarkJob.model_validate(values | changes)


def reply(request: Request) -> str:
    """Right for even sums, wrong or nothing else, by the request's id."""
    prompt = request.messages[-1].content
    number = int(prompt.partition("What is ")[2].split()[0])
    if number % 2 == 0:
        return rf"It is \boxed{{{number + 1}}}."
    return "I do not know." if int(request.id[0], 16) % 2 else r"\boxed{7}"


async def run_suite(config: BenchmarkJob, judge: ScriptedGenerate | None = None) -> tuple[Bound, int, Results]:
    """Every stage, then results and exports."""
    checked = check_benchmarks(config)
    systems = checked.systems(dict.fromkeys(specs_of(config), "digest"))
    run = Run.open(config.output.root, config.name, dump_config(config))
    with Lease.acquire(run.store, Holder.current()) as lease:
        bound = Bound(
            config=config,
            run=run,
            fence=lease.fence,
            systems=systems,
            judge="judge" if judge else "",
            judge_prompts=judge_prompts() if judge else None,
        )
        generate = ScriptedGenerate(reply, checkpoint="digest")
        marks = []
        for model in config.models:
            trials = bound.trials(model)
            for shard, (name, problems) in enumerate(benchmarking.chunks(bound, checked.problems())):
                trials.put_shard(shard, benchmarking.expand_trials(bound, model, name, problems))
            shards = shard + 1
            solve, grade = SolvingWorker(bound, model, generate, generate), GradingWorker(bound, model, judge)
            for shard in range(shards):
                bound.solutions(model).commit(shard, await solve(trials.records(shard)))
                benchmarking.seal(bound, model, False, shard)
                bound.samples(model).commit(shard, await grade(bound.solutions(model).records(shard)))
                benchmarking.seal(bound, model, True, shard)
            for stage in (trials, bound.solutions(model), bound.samples(model)):
                stage.finish(shards, {})
            marks += read_marks(bound.samples(model), shards)
        costs = {model: Cost(seconds=2, gpu_seconds=8, solutions=1, output_tokens=1) for model in config.models}
        results = Results.of(config, checked.facts(), systems, marks, costs, STARTED)
        export(run.store, bound.samples, shards, results)
        results.write(run)
    return bound, shards, results
