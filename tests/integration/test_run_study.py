"""A study on a real engine: its table is that of its samples, and what is finished is only read."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from reasonflux.config import EngineSpec
from reasonflux.configuring import dump_config
from reasonflux.distributed.engines import deploy_all
from reasonflux.distributed.study_checks import check_study
from reasonflux.distributed.study_run import FILE, run_study
from reasonflux.evals.exhibits import Exhibits
from reasonflux.evals.report.writing import leave_report
from reasonflux.evals.results import Results
from reasonflux.evals.studies.job import StudyJob
from reasonflux.evals.suite import BenchmarkJob
from reasonflux.storage.run import Run
from reasonflux.storage.store import Store
from tests.written import leaked

PROBLEMS = 27
METHODS = {
    "direct": {},
    "with_template": {"method": "templated", "plan": "known"},
    "random_plan": {"method": "templated", "plan": "random"},
    "retrieved_plan": {"method": "templated", "plan": "retrieved"},
}


def study(path: Path) -> StudyJob:
    """Table 3 of one base model, one sample a problem."""
    sampling = {"temperature": 1.0, "max_tokens": 128}
    suite = BenchmarkJob.model_validate(
        {
            "name": "base",
            "benchmarks": {
                "final": {
                    "problems": {"source": "testbed", "split": "final", "count": PROBLEMS},
                    "protocol": {"samples": 1, "navigator": sampling, "reasoner": sampling},
                }
            },
            "models": {
                "reasoner": {
                    "navigator": {
                        "model": "testbed:reasoner",
                        "dtype": "float32",
                        "device": "cpu",
                        "max_model_len": 512,
                    },
                    "prompts": "plain",
                    "plan_format": "templates",
                    "library": "testbed",
                    "retrieval": {"algorithm": "lexical"},
                }
            },
            "methods": METHODS,
            "verifier": {"processes": 1},
        }
    )
    (path / "suite.yaml").write_text(dump_config(suite), encoding="utf-8")
    return StudyJob.model_validate(
        {
            "name": "table3",
            "runs": {"base": {"suite": str(path / "suite.yaml")}},
            "study": {
                "kind": "table3",
                "run": "base",
                "benchmark": "final",
                "models": {"reasoner": "reasoner"},
                "caveat": "small",
            },
            "output": {"root": str(path / "runs")},
        }
    )


class Counted:
    """A deploy that remembers what it started."""

    def __init__(self) -> None:
        self.started: list[str] = []

    def __call__(self, engines: Mapping[str, EngineSpec], **options: Any) -> None:
        self.started += engines
        deploy_all(engines, **options)


@pytest.mark.slow
def test_e6_a_study_runs_on_a_real_engine_and_asks_it_nothing_twice(tmp_path: Path, ray_cluster: str) -> None:
    checked, deploy = check_study(study(tmp_path)), Counted()
    outcome = run_study(checked, deploy)
    assert len(deploy.started) == 1
    scores = {one.method: one for one in Results.read(Run(Store.at(tmp_path / "runs" / "base"))).scores}
    assert {method: one.problems for method, one in scores.items()} == dict.fromkeys(METHODS, PROBLEMS)
    assert scores["with_template"].failed == 0
    (row,) = outcome.exhibits.tables[0].rows
    shown = [float(str(cell).split()[0]) for cell in row[2:6]]
    assert shown == [round(100 * scores[method].pass_at_1.mean, 1) for method in METHODS]
    assert shown[1] > shown[2]  # the right plan beats one drawn by lot: 0.99 against less than 0.2

    place = tmp_path / "runs" / "table3"
    assert Exhibits.read(json.loads((place / FILE).read_text())) == outcome.exhibits
    assert run_study(checked, deploy) == outcome  # a finished study is read
    (place / FILE).unlink()
    (place / "manifest.json").unlink()
    assert run_study(checked, deploy) == outcome  # and a killed one reads the benchmark run
    assert len(deploy.started) == 1
    leave_report(str(place))
    assert (place / "report.html").exists()
    assert leaked(tmp_path) == []
