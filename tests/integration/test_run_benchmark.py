"""A benchmark run on a real Ray with a scripted engine: engines are shared, and a killed run does what is missing."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from benchmarks.performance.scripted_engine import Script, scripted, write_sums
from reasonflux.cli.main import main
from reasonflux.config import EngineSpec
from reasonflux.distributed.benchmark_checks import check_benchmarks
from reasonflux.distributed.benchmark_run import run_benchmarks
from reasonflux.errors import BadInput
from reasonflux.evals.report.writing import leave_report
from reasonflux.evals.suite import BenchmarkJob
from reasonflux.protocols import Outcome
from tests.models import write_model
from tests.written import leaked

PROBLEMS, SAMPLES = 12, 2


def suite(path: Path) -> BenchmarkJob:
    """Two models that share one engine and differ in their prompts."""
    write_sums(path / "sums.jsonl", PROBLEMS)
    engine = {"model": str(write_model(path / "model")), "device": "cpu"}
    sampling = {"temperature": 1.0, "max_tokens": 64}
    return BenchmarkJob.model_validate(
        {
            "name": "suite",
            "benchmarks": {
                "sums": {
                    "problems": {"source": "jsonl", "path": str(path / "sums.jsonl")},
                    "protocol": {"samples": SAMPLES, "navigator": sampling, "reasoner": sampling},
                }
            },
            "models": {
                "plain": {"navigator": engine, "prompts": "plain", "library": "testbed", "plan_format": "templates"},
                "v2": {"navigator": engine, "prompts": "v2"},
            },
            "methods": {"direct": {}, "guided": {"without_plan": "direct"}},
            "stream": {"shard_problems": 4, "rows_per_part": 4},
            "verifier": {"processes": 1},
            "output": {"root": str(path / "runs")},
        }
    )


class Counted:
    """A deploy that remembers the applications that it started."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self._deploy = scripted(Script(right=0.6, outcomes={Outcome.TRUNCATED: 0.1}))

    def __call__(self, engines: Mapping[str, EngineSpec], **options: Any) -> None:
        self.started += engines
        self._deploy(engines, **options)


@pytest.mark.slow
def test_e1_a_suite_runs_to_its_results_and_a_killed_run_does_only_what_is_missing(
    tmp_path: Path, ray_cluster: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = suite(tmp_path)
    deploy = Counted()
    results = run_benchmarks(check_benchmarks(config), deploy)
    assert len(deploy.started) == 1  # for two models and two roles
    assert [(one.model, one.method, one.problems, one.samples) for one in results.scores] == [
        (model, method, PROBLEMS, SAMPLES) for model in ("plain", "v2") for method in ("direct", "guided")
    ]
    rows = sum(sum(one.verdicts.values()) for one in results.scores)
    assert rows == 2 * 2 * PROBLEMS * SAMPLES
    assert sum(one.verdicts["correct"] for one in results.scores) > rows / 4
    assert sum(one.verdicts["truncated"] for one in results.scores) > 0
    assert results.models["v2"]["cost"]["solutions"] == rows // 2

    run = tmp_path / "runs" / "suite"
    finished = json.loads((run / "manifest.json").read_text())
    assert run_benchmarks(check_benchmarks(config), deploy) == results
    assert len(deploy.started) == 1
    place = str(run)
    assert main(["compare", f"{place}#direct@plain", f"{place}#guided@plain", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["problems"] == PROBLEMS

    lost = _forget(run)
    again = run_benchmarks(check_benchmarks(config), deploy)
    assert again.digest == results.digest == finished["results"]
    assert len(deploy.started) == 2
    costs = [json.loads(path.read_text()) for path in sorted((run / "cost" / "v2").iterdir())]
    assert [cost["solutions"] for cost in costs] == [rows // 2, lost]
    assert 0 < lost < rows // 4
    leave_report(place)
    assert (run / "report.html").exists() and (run / "results").exists()
    assert leaked(tmp_path) == []


def _forget(run: Path) -> int:
    """Leaves a run as a kill while the second model was solved would; returns how many solutions are gone."""
    for name in ("manifest.json", "results.json"):
        (run / name).unlink()
    shutil.rmtree(run / "stage=samples-v2")
    shard = run / "stage=solutions-v2" / "shard=00001"
    for path in (run / "stage=solutions-v2" / "manifest.json", shard / "manifest.json"):
        path.unlink()
    part = next(shard.glob("part-*.parquet"))
    lost = pq.ParquetFile(part).metadata.num_rows
    part.unlink()
    return int(lost)


def test_a_judge_that_would_judge_itself_is_refused_before_anything_starts(tmp_path: Path) -> None:
    values = suite(tmp_path).model_dump(mode="json")
    same_weights = {"model": str(shutil.copytree(tmp_path / "model", tmp_path / "copy")), "device": "cpu"}
    judged = BenchmarkJob.model_validate(values | {"judge": same_weights})
    with pytest.raises(BadInput, match="the judge is one of the models"):
        run_benchmarks(check_benchmarks(judged), _never)


def _never(*arguments: Any, **options: Any) -> None:
    raise AssertionError("an engine was started")
