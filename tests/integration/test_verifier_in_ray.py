"""The verifier inside an async Ray actor, which spawns its children out of a Ray worker."""

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_ray_actor_grades_kills_and_answers_other_calls_meanwhile() -> None:
    env = os.environ | {
        "PYTHONPATH": str(ROOT),
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
    }
    env.pop("RAY_ADDRESS", None)  # of the Ray that drills share: this one starts its own
    command = [sys.executable, "tests/integration/verifier_in_ray.py"]
    run = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr[-3000:]
    report = json.loads(run.stdout.splitlines()[-1])
    assert report["first"]["verdicts"] == {"correct": 1}
    assert report["many"]["verdicts"] == {"correct": 500}
    assert report["hanging"]["verdicts"] == {"timeout": 1, "correct": 1}
    assert report["answered"] < 2, "the actor's event loop stood still while a child was hanging"
