"""Trainings on real Ray Train workers: killed, spread out by ZeRO, with adapters, collapsing.

Two drivers, as few as can be: one for all that nobody disturbs, one whose worker is killed and which stores on S3.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from reasonflux.checkpoints import ADAPTER
from reasonflux.configuring import resolve_model
from reasonflux.distributed.local_head import LocalHead
from reasonflux.evals.report.writing import leave_report
from reasonflux.storage.store import Store
from tests.conftest import S3Server
from tests.written import leaked

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]  # the first test waits for four trainings

ROOT = Path(__file__).parents[2]
DEADLINE_S = 600.0
STEPS, SAVED = 24, 8
DPO = {"beta": 0.3, "sft_weight": 1.0}


def recipe(name: str, root: str, data: Path, **changes: Any) -> dict[str, Any]:
    values = {
        "name": name,
        "stage": "dpo",
        "role": "reasoner",
        "base": "testbed:navigator",
        "data": str(data),
        "output_root": root,
        "cutoff": 64,
        "learning_rate": 1e-4,
        "epochs": 2,
        "per_device_batch": 4,
        "accumulation": 1,
        "precision": "float32",
        "gradient_checkpointing": False,
        "dpo": DPO,
        "save_steps": SAVED,
        "log_steps": 1,
        "workers": {"count": 2, "gpus": 0, "cpus": 1, "device": "cpu"},
    }
    return values | changes


ONE = {"count": 1, "gpus": 0, "cpus": 1, "device": "cpu"}


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """96 pairs of one family, and one that teaches nothing."""
    path = tmp_path_factory.mktemp("pairs") / "pairs.jsonl"
    rows = [{"prompt": f"Plan {n}.", "chosen": f"1. add {n % 7}", "rejected": f"1. halve {n % 5}"} for n in range(96)]
    path.write_text("\n".join(json.dumps(row) for row in [*rows, rows[0] | {"rejected": rows[0]["chosen"]}]))
    return path


@pytest.fixture(scope="module")
def undisturbed(head: LocalHead, pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What became of each training, by name, all by one driver."""
    root = tmp_path_factory.mktemp("trainings")
    adapted, half = {"epochs": 1, "learning_rate": 1e-2}, {"per_device_batch": 2}  # of two workers: the same steps
    recipes = [
        recipe("plain", str(root), pairs),
        recipe("zero3", str(root), pairs, zero={"stage": 3}, dpo={**DPO, "stored_reference": True}),
        recipe("lora", str(root), pairs, lora={"rank": 4}, workers=ONE, **adapted),
        recipe("kept", str(root), pairs, zero={"stage": 2}, lora={"rank": 4, "merge": False}, **half, **adapted),
        recipe("collapse", str(root), pairs, workers=ONE, watch={"chosen_logprob_drop": 0.2}, learning_rate=0.5),
        recipe("plain", str(root), pairs),
    ]
    names = ["plain", "zero3", "lora", "kept", "collapse", "again", "left"]
    (root / "recipes.json").write_text(json.dumps(recipes))
    driver = start("tests.drills.trainings", str(root / "recipes.json"))
    out, err = driver.communicate(timeout=DEADLINE_S)
    lines = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    assert len(lines) == len(names), err[-3000:]
    return dict(zip(names, lines, strict=True))


def start(module: str, *arguments: str) -> "subprocess.Popen[str]":
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def workers() -> Iterator[int]:
    """Processes of Ray Train's workers below this one, which has started the head."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if (process.cmdline() or [""])[0].startswith("ray::RayTrainWorker"):
                yield process.pid


def wait_for_checkpoint(run: Store, driver: "subprocess.Popen[str]") -> None:
    end = time.monotonic() + DEADLINE_S
    while b"step-" not in (run.get("checkpoint_manager_snapshot.json") or b""):  # Ray Train has registered it
        assert driver.poll() is None, driver.communicate()[1][-3000:]
        assert time.monotonic() < end, "no checkpoint to resume from appeared"
        time.sleep(0.1)


def test_a_training_whose_worker_is_killed_ends_like_one_that_nobody_disturbed(
    undisturbed: dict[str, Any], pairs: Path, s3_server: S3Server, tmp_path: Path
) -> None:
    bucket = s3_server.new_bucket()
    run = Store.at(f"{bucket}/runs/killed")
    run.put("step-00000099-other/trainer_state.json", b'{"global_step": 99}')  # of nobody knows whom
    (tmp_path / "recipes.json").write_text(json.dumps([recipe("killed", f"{bucket}/runs", pairs)]))
    driver = start("tests.drills.trainings", str(tmp_path / "recipes.json"))
    wait_for_checkpoint(run, driver)
    os.kill(max(workers()), signal.SIGKILL)
    out, err = driver.communicate(timeout=DEADLINE_S)
    killed, plain = json.loads(out.splitlines()[-2]), undisturbed["plain"]
    assert "error" not in killed, err[-3000:]
    assert killed["resumed_at"] in (SAVED, 2 * SAVED)  # of this run's own, not step 99
    assert (killed["steps_done"], plain["steps_done"], plain["resumed_at"]) == (STEPS, STEPS, 0)
    assert killed["metrics"]["loss"] == pytest.approx(plain["metrics"]["loss"], abs=1e-4)
    assert killed["path"] == f"{bucket}/runs/killed/checkpoint"
    assert len([name for name in run.list("events/") if "tfevents" in name]) == 2  # one a start
    assert run.exists("manifest.json")


def test_a_finished_training_is_only_read(undisturbed: dict[str, Any]) -> None:
    assert undisturbed["again"]["seconds"] < 5
    assert undisturbed["again"]["digest"] == undisturbed["plain"]["digest"]
    assert undisturbed["plain"]["data"]["left_out"] == {"chosen and rejected are equal": 1}


def test_trainings_leave_no_placement_group(undisturbed: dict[str, Any]) -> None:
    assert undisturbed["left"] == {"placement_groups": []}


def test_trainings_write_down_no_secret_of_the_environment(undisturbed: dict[str, Any]) -> None:
    runs = Path(undisturbed["plain"]["path"]).parents[1]
    assert len(list(runs.glob("*/events/*"))) >= 4
    leave_report(str(runs / "plain"))
    assert (runs / "plain" / "report.html").exists()
    assert leaked(runs) == []


def test_what_is_spread_by_zero3_learns_what_one_copy_a_worker_learns(undisturbed: dict[str, Any]) -> None:
    assert undisturbed["zero3"]["steps_done"] == STEPS
    assert undisturbed["zero3"]["metrics"]["loss"] == pytest.approx(undisturbed["plain"]["metrics"]["loss"], rel=1e-3)


def test_checkpoints_of_zero3_and_of_merged_adapters_speak_alike_in_vllm_and_transformers(
    undisturbed: dict[str, Any],
) -> None:
    names = ("zero3", "lora")
    driver = start("tests.drills.greedy_tokens", *(undisturbed[name]["path"] for name in names))
    out, err = driver.communicate(timeout=DEADLINE_S)
    lines = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    assert len(lines) == len(names), err[-3000:]
    for line in lines:
        assert line["vllm"] == line["transformers"]
    assert undisturbed["lora"]["digest"] != undisturbed["lora"]["parent"]["digest"]


def test_adapters_that_are_kept_add_up_to_the_checkpoint_that_they_were_merged_into(
    undisturbed: dict[str, Any],
) -> None:
    """The one by two workers under ZeRO-2, the other by one worker alone."""
    from peft import PeftModel
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM

    kept, merged = Path(undisturbed["kept"]["path"]), Path(undisturbed["lora"]["path"])
    assert undisturbed["kept"]["steps_done"] == undisturbed["lora"]["steps_done"] == STEPS
    assert not (kept / "model.safetensors").exists()
    assert json.loads((kept / ADAPTER).read_text())["base_model_name_or_path"] == "testbed:navigator"
    base = AutoModelForCausalLM.from_pretrained(resolve_model("testbed:navigator"), dtype=torch.float32)
    start = {name: weight.clone() for name, weight in base.state_dict().items()}
    added = PeftModel.from_pretrained(base, str(kept)).merge_and_unload().state_dict()
    expected = load_file(merged / "model.safetensors")
    learnt = {name: weight - start[name] for name, weight in expected.items()}
    apart = {name: added[name] - expected[name] for name in learnt if learnt[name].any()}
    assert len(apart) > 4
    for name, difference in apart.items():
        assert difference.norm() < 0.01 * learnt[name].norm(), name


def test_a_training_that_collapses_is_stopped_and_told_apart_from_success(undisturbed: dict[str, Any]) -> None:
    ended = undisturbed["collapse"]
    assert ended["error"] == "Collapsed"
    assert "training collapse was stopped at step" in ended["message"]
    assert "nats a token" in ended["message"] or "the loss is" in ended["message"]
    run = Path(undisturbed["plain"]["path"]).parent.with_name("collapse")
    assert (run / "collapse.json").exists()
    assert not (run / "checkpoint").exists()
    assert not (run / "manifest.json").exists()
