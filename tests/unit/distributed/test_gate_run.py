"""What a gate that is asked alone refuses before Ray starts, and what it would do."""

from pathlib import Path

import pytest

from reasonflux.clusters import load_cluster
from reasonflux.configuring import load_config
from reasonflux.distributed import runtime
from reasonflux.distributed.gate_run import run_gate
from reasonflux.distributed.rounds_checks import plan_gate
from reasonflux.errors import BadInput
from reasonflux.rounds.config import GateJob
from tests.models import write_model
from tests.unit.distributed.test_rounds_checks import SMALL, TESTBED

WHO = ("parent", "candidate")


def asked(root: Path, *changes: str) -> GateJob:
    candidate = write_model(root / "model")
    sets = [*SMALL, f"output.root={root}/runs", "role=navigator", f"candidate={candidate}", *changes]
    return load_config(GateJob, TESTBED, sets)


def test_a_plan_has_the_runs_of_one_gate_and_places_its_engines(tmp_path: Path) -> None:
    few = (
        "modules.navigator.gate.benchmarks={aggregate: {problems: {source: testbed, split: final, count: 4, limit: 9}}}"
    )
    plan = plan_gate(asked(tmp_path, "lot=3", few), load_cluster("cpu-dev"))
    runs = {f"{name} of {who}": n for name, n in (("gate", 8), ("benchmark aggregate", 4)) for who in WHO}
    assert {part.part: part.problems for part in plan.parts} == runs
    assert plan.words()[:2] == ("the gate", "on cpu-dev:")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("candidate=testbed:navigator", "is the navigator that it would be compared with.*--set navigator.model="),
        ("candidate=nowhere/at/all/model", "no model at"),
        (
            "modules.navigator.gate.primary.problems={source: jsonl, path: three.jsonl, limit: 2}",
            "gate: three.jsonl has no more than 1 problems for it .*limit is 2. Lower the limit",
        ),
    ],
)
def test_what_cannot_be_asked_is_one_line_before_ray_starts(
    change: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = "\n".join(f'{{"problem": "{number} + 1?", "answer": "{number + 1}"}}' for number in range(3))
    (tmp_path / "three.jsonl").write_text(rows)
    monkeypatch.setattr(runtime, "connect", lambda: pytest.fail("Ray was started"))
    with pytest.raises(BadInput, match=told) as error:
        run_gate(asked(tmp_path, change))
    assert "\n" not in str(error.value)
    assert not (tmp_path / "runs").exists()
