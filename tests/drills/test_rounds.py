"""Rounds promote what is better and keep what is not; killed anywhere they go on, and a finished run does nothing."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.performance.scripted_engine import write_empty_checkpoint, write_sums
from reasonflux.checkpoints import checkpoint_digest
from reasonflux.distributed.local_head import LocalHead
from reasonflux.evals.report.writing import leave_report
from reasonflux.storage.store import Store
from tests.conftest import S3Server
from tests.drills.drivers import RUN_DEADLINE_S, Driver
from tests.drills.rounds_driver import write_candidate
from tests.written import leaked

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]  # five drivers, a dozen runs

PROBLEMS = 24
GATE = 60
SCORING = {"navigator": {"temperature": 1.0, "max_tokens": 64}, "reasoner": {"temperature": 0.0, "max_tokens": 64}}


def write_config(path: Path, **changes: Any) -> tuple[Path, str]:
    """Two rounds of the reasoner, and the script in which its first candidate is better and its second worse."""
    device, workers = ("gpu", {"count": 2, "gpus": 1}) if "accelerators" in changes else ("cpu", {"gpus": 0})
    model, problems = write_empty_checkpoint(path / "model"), write_sums(path / "sums.jsonl", PROBLEMS + 2 * GATE)
    other = write_empty_checkpoint(path / "navigator")
    (other / "config.json").write_text('{"navigator": 1}')
    source = {"source": "jsonl", "path": str(problems), "fields": {"family": "family"}}
    gate = {"problems": source | {"skip": PROBLEMS, "limit": GATE}, "rollouts": 2, **SCORING}
    config = {
        "name": "rounds",
        "schedule": ["reasoner", "reasoner"],
        "navigator": {"model": str(other), "device": device},
        "reasoner": {"model": str(model), "device": device},
        "modules": {
            "reasoner": {
                "problems": source | {"limit": PROBLEMS},
                "similar": {"provider": "self"},
                "sampling": {"trajectories": 2, "rollouts_own": 4},
                "recipe": {
                    "name": "scripted",
                    "stage": "dpo",
                    "role": "reasoner",
                    "base": "the round's parent",
                    "data": "the round's pairs",
                    "learning_rate": 1e-6,
                    "dpo": {},
                    "workers": workers | {"device": "cuda" if device == "gpu" else device},
                },
                "gate": {"primary": gate},
            }
        },
        "curve": {"greedy": {"problems": source | {"limit": PROBLEMS}, **SCORING}},
        "stream": {"shard_problems": 20, "rows_per_part": 16},
        "output": {"root": str(path)},
    }
    config |= changes
    right = {write_candidate(path / f"candidate-{number}", number): chance for number, chance in ((1, 0.9), (2, 0.4))}
    script = {"right": 0.5, "right_of": right}
    (path / "rounds.yaml").write_text(yaml.safe_dump(config))
    return path / "rounds.yaml", json.dumps(script)


def start(config: Path, script: str) -> Driver:
    return Driver.of("-m", "tests.drills.rounds_driver", str(config), script)


def kill_at(place: Path, driver: Driver, deadline_s: float = RUN_DEADLINE_S) -> None:
    """Kills a driver as soon as it has begun with `place`; it does not outlive a failure either."""
    end = time.monotonic() + deadline_s
    while not place.exists() and driver.process.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    ended = driver.process.poll() is not None
    driver.kill()
    assert not ended, f"the driver ended before {place}"
    assert place.exists(), f"no {place} after {deadline_s} s"


def test_v7_rounds_promote_keep_survive_kills_and_end(head: LocalHead, tmp_path: Path) -> None:
    config, script = write_config(tmp_path)
    run = tmp_path / "rounds"
    for place in ("round-1/pairs/stage=rollouts", "round-1/gate-primary-candidate/stage=rollouts"):
        kill_at(run / place, start(config, script))
    status, outcome, err = start(config, script).finish(600)
    assert status == 0, err[-3000:]
    first, second = outcome["records"]
    assert (first["promoted"], second["promoted"]) == (True, False)
    assert second["parent"] == first["candidate"] == outcome["standing"]["reasoner"]
    gate = json.loads((run / "round-2/training/gate.json").read_text())
    assert (gate["promoted"], gate["primary"]["problems"], gate["rules"]["planned_gates"]) == (False, GATE, 2)
    curve = {point["after_round"]: point["mean"] for point in outcome["curve"]}
    assert curve[1] == curve[2] > curve[0], "what no round changed is scored once"
    assert len(list((run / "curve").iterdir())) == 2
    leave_report(str(run))
    assert (run / "report.html").exists()
    assert leaked(run) == []

    files = sorted(path for path in run.rglob("*") if "lease" not in path.parts)
    status, finished, err = start(config, script).finish(600)
    assert status == 0, err[-3000:]
    assert (finished["records"], finished["curve"]) == (outcome["records"], outcome["curve"])
    assert sorted(path for path in run.rglob("*") if "lease" not in path.parts) == files
    assert "starting engines" not in err


def test_a_gate_that_is_asked_alone_decides_goes_on_after_a_kill_and_is_only_read_when_asked_again(
    head: LocalHead, tmp_path: Path
) -> None:
    better = str(tmp_path / "candidate-1")
    config, script = write_config(tmp_path, role="reasoner", candidate=better, lot=2)
    run = tmp_path / f"rounds-gate-{checkpoint_digest(better)[:8]}"
    kill_at(run / "gate-primary-candidate/stage=rollouts", start(config, script))
    status, asked, err = start(config, script).finish(600)
    assert status == 0, err[-3000:]
    told = asked["decision"]
    assert (told["promoted"], told["primary"]["problems"], told["rules"]["planned_gates"]) == (True, GATE, 1)
    assert json.loads((run / "gate.json").read_text()) == told
    leave_report(str(run))
    assert "+0." in (run / "report.html").read_text()
    files = sorted(path for path in run.rglob("*") if "lease" not in path.parts)
    status, again, err = start(config, script).finish(600)
    assert (status, again["decision"]) == (0, told), err[-3000:]
    assert sorted(path for path in run.rglob("*") if "lease" not in path.parts) == files
    assert "starting engines" not in err


def test_rounds_on_s3_hand_the_accelerators_to_training_and_back_and_leave_none_held(
    head: LocalHead, s3_server: S3Server, tmp_path: Path
) -> None:
    """The two engines take both accelerators, and so does the training: neither could start beside the other."""
    root = f"{s3_server.new_bucket()}/runs"
    changes = {"accelerators": "shared", "schedule": ["reasoner"], "curve": {}, "output": {"root": root}}
    status, outcome, err = start(*write_config(tmp_path, **changes)).finish(600)
    assert status == 0, err[-3000:]
    (record,) = outcome["records"]
    assert record["promoted"], record["reason"]
    assert record["candidate"]["model"] == f"{root}/rounds/round-1/training/checkpoint"
    assert outcome["held"] == []
    run = Store.at(f"{root}/rounds")
    assert run.exists("manifest.json")
    assert run.exists("round-1/training/gate.json")
