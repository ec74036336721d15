"""Grades answers in a verifier inside an async Ray actor, on a Ray of its own, and prints what happened as JSON.

Ray reads `RAY_AUTH_MODE` and `RAY_AUTH_TOKEN` when it is imported: they are set by whoever starts this.
"""

import asyncio
import json
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import ray

from reasonflux.config import VerifierConfig
from reasonflux.rewards.verifier import Verifier


class Grading:
    """An actor whose event loop must stay free while its verifier grades."""

    def __init__(self) -> None:
        self.verifier = Verifier(VerifierConfig(processes=2, deadline_s=2, memory_mib=512))

    async def grade(self, items: list[tuple[str, str]]) -> dict[str, Any]:
        started = time.perf_counter()
        gradings = await self.verifier(items)
        return {
            "seconds": time.perf_counter() - started,
            "verdicts": Counter(grading.verdict.value for grading in gradings),
        }

    async def nothing(self) -> None:
        await asyncio.sleep(0)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="rf", ignore_cleanup_errors=True) as folder:
        ray.init(
            num_cpus=1,
            include_dashboard=False,
            log_to_driver=True,
            _temp_dir=str(Path(folder) / "ray"),
            object_store_memory=100 << 20,
            runtime_env={"env_vars": {"PYTHONPATH": os.pathsep.join(sys.path)}},
        )
        actor = ray.remote(num_cpus=0.5)(Grading).remote()
        good = (r"\boxed{x + \frac{1}{2}}", "0.5 + x")
        first = ray.get(actor.grade.remote([good]), timeout=120)
        many = ray.get(actor.grade.remote([good] * 500), timeout=120)
        hanging = actor.grade.remote([(r"\boxed{5^(5^(5^(5^5)))}", "5"), good])
        started = time.perf_counter()
        for _ in range(20):
            ray.get(actor.nothing.remote(), timeout=60)
        answered = time.perf_counter() - started
        report = {"first": first, "many": many, "answered": answered, "hanging": ray.get(hanging, timeout=60)}
        ray.kill(actor)
        ray.shutdown()
        print(json.dumps(report))


if __name__ == "__main__":
    main()
