"""What of a study is known to be wrong before anything starts, and which navigator it measures."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reasonflux.clusters import load_cluster
from reasonflux.configuring import load_config
from reasonflux.distributed import benchmark_checks
from reasonflux.distributed.study_checks import check_study, standing_navigator
from reasonflux.errors import BadInput
from reasonflux.evals.studies.job import StudyJob
from reasonflux.pairs.provenance import Role
from reasonflux.rounds.config import Served
from reasonflux.rounds.record import RECORD
from tests.unit.evals.studies.builders import record

ROOT = Path(__file__).parents[3]
STUDIES = ROOT / "benchmarks" / "studies"
LIBRARY = "library=testbed"
UNSET = {  # what each cluster's suites leave open
    "table2": {
        "v1": ["models.v1-32b.navigator.model=m", f"models.v1-32b.{LIBRARY}"],
        "v2": ["models.v2-32b.navigator.model=m", "models.v2-32b.reasoner.model=n"],
    },
    "table3": {
        "base_models": [
            "benchmarks.similar.problems.path=p.jsonl",
            *(f"models.{name}.{LIBRARY}" for name in ("qwen25-7b", "qwen25-math-7b", "qwen25-32b")),
        ]
    },
    "fig4": {"methods": ["models.v1-32b.navigator.model=m", f"models.v1-32b.{LIBRARY}"]},
    "fig5": {
        "methods": ["models.v1-32b.navigator.model=m", f"models.v1-32b.{LIBRARY}"],
        "navigators": [
            *("models.starting.navigator.model=m", "models.trained.navigator.model=t"),
            *(f"models.starting.{LIBRARY}", f"models.trained.{LIBRARY}"),
        ],
    },
}


@pytest.fixture(autouse=True)
def in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)  # suites are named from there


def study(name: str, root: Path, *overrides: str) -> StudyJob:
    sets = [f"runs.{run}.set={json.dumps(given)}" for run, given in UNSET.get(name, {}).items()]
    return load_config(StudyJob, STUDIES / f"{name}.yaml", [f"output.root={root}", *sets, *overrides])


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(STUDIES.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_shipped_study_finds_in_its_suites_what_it_asks_for(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = check_study(study(path.stem, tmp_path))
    assert checked.suites.keys() == checked.job.runs.keys()
    assert all(suite.config.output.root == str(tmp_path) for suite in checked.suites.values())
    monkeypatch.setattr(benchmark_checks, "weights_of", lambda spec: None)  # the Hub is not asked
    if path.stem.startswith(("testbed", "fig")):
        assert checked.plan().stages


def test_an_arm_that_its_suite_lacks_is_told_before_anything_starts(tmp_path: Path) -> None:
    job = study("testbed_fig4", tmp_path, "study.measured=methods#interplay_9@committed")
    with pytest.raises(BadInput, match=r"interplay_9@committed: testbed-interplays-gate has no method interplay_9"):
        check_study(job)
    with pytest.raises(BadInput, match=r"runs\.methods: there is no config file nowhere\.yaml"):
        check_study(study("testbed_fig4", tmp_path, "runs.methods.suite=nowhere.yaml"))


def test_a_study_is_planned_on_a_cluster_with_every_engine_of_its_suites(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = check_study(study("testbed_fig4", tmp_path))
    plan = checked.plan(load_cluster("cpu-dev"))
    assert plan.cluster is not None and {each.role for each in plan.cluster.engines} == plan.engines.keys()
    large = check_study(study("fig4", tmp_path))
    monkeypatch.setattr(benchmark_checks, "weights_of", lambda spec: None)
    with pytest.raises(BadInput, match=r"runs\.\w+: .*cpu-dev has no GPU"):
        large.plan(load_cluster("cpu-dev"))


def rounds(place: Path, digest: str) -> Path:
    """As a job leaves them whose package Ray has thrown away."""
    navigator = {"model": "/gone/navigator", "digest": digest}
    manifest: dict[str, Any] = {"standing": {"navigator": navigator, "reasoner": navigator}}
    place.mkdir()
    (place / "config.yaml").write_text("navigator: {model: testbed:navigator}\n", encoding="utf-8")
    (place / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return place


def promoted(place: Path, digest: str) -> Path:
    """With a first round whose candidate has that digest."""
    made = replace(record(1, Role.NAVIGATOR, None), candidate=Served(model="/gone/candidate", digest=digest))
    (place / "round-1").mkdir()
    (place / "round-1" / RECORD).write_bytes(made.to_bytes())
    return place


def test_the_trained_navigator_is_the_one_that_stands_after_the_rounds(tmp_path: Path) -> None:
    done = promoted(rounds(tmp_path / "rounds", "0123456789abcdef"), "0123456789abcdef")
    checked = check_study(study("testbed_fig5", tmp_path, f"rounds={done}"))
    suite = checked.suites["navigators"].config
    assert suite.name == "testbed-navigators-01234567"  # what the committed navigator did stays another run
    trained = suite.models["trained"].navigator
    place = str(done / "round-1" / "training" / "checkpoint")
    assert (trained.model, trained.digest) == (place, "0123456789abcdef")  # type: ignore[union-attr]
    assert suite.models["starting"].navigator.model == "testbed:navigator"  # type: ignore[union-attr]
    assert checked.suites["methods"].config.name == "testbed-methods"
    with pytest.raises(BadInput, match="is no finished run of rounds"):
        standing_navigator(str(tmp_path))


def test_a_navigator_that_no_round_has_bettered_is_the_one_that_the_rounds_began_with(tmp_path: Path) -> None:
    kept = promoted(rounds(tmp_path / "rounds", "began"), "other")
    assert standing_navigator(str(kept)) == Served(model="testbed:navigator", digest="began")
