"""Every shipped study parses, for the testbed and for a cluster, and finds in its suites what it asks for."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from reasonflux.configuring import dump_config, load_config
from reasonflux.evals.studies.job import StudyJob

STUDIES = sorted((Path(__file__).parents[4] / "benchmarks" / "studies").glob("*.yaml"))
ROOT = ["output.root=s3://bucket/runs"]
SMALL: dict[str, Any] = {
    "name": "s",
    "runs": {"r": {"suite": "suite.yaml"}},
    "study": {"kind": "fig4", "benchmark": "set", "measured": "r#interplay@m", "difficulty": "r#direct@weak"},
}


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_a_shipped_study_parses_and_is_the_same_when_written_out(path: Path, tmp_path: Path) -> None:
    study = load_config(StudyJob, path, ROOT)
    assert study.study.kind in path.stem
    (tmp_path / "again.yaml").write_text(dump_config(study), encoding="utf-8")
    assert load_config(StudyJob, tmp_path / "again.yaml") == study


def test_each_study_is_there_for_the_testbed_and_for_a_cluster() -> None:
    kinds = {"table2", "table3", "fig4", "fig5"}
    assert {path.stem for path in STUDIES} == kinds | {f"testbed_{kind}" for kind in kinds}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"study": SMALL["study"] | {"difficulty": "other#direct@weak"}}, "is of the run other; runs has r"),
        ({"study": SMALL["study"] | {"kind": "fig6"}}, "fig6"),
        ({"study": SMALL["study"] | {"measured": "interplay"}}, "should match pattern"),
        ({"runs": {}}, "at least 1"),
    ],
)
def test_what_is_wrong_in_a_study_is_told(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        StudyJob.model_validate(SMALL | change)
