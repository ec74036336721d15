"""The sleeping engine answers as the scripted one does, when the model of latency says, and keeps its account."""

import asyncio
import json
import time
from pathlib import Path

from benchmarks.performance.latency_model import Lengths, Speed
from benchmarks.performance.sleeping_engine import SleepingEngine, TimedScript
from tests.unit.benchmarks.test_scripted_engine import requests

SPEED = Speed(step_s=0.01, sequence_s=0.0, prompt_tokens_per_s=1e6, places=2)


async def served(engine: SleepingEngine) -> list[tuple[str, float]]:
    """The ends of four answers and when they came, once the account has its next line."""
    started, arrived = time.monotonic(), []
    async with asyncio.timeout(10):
        async for batch in engine.generate(requests(4)):
            arrived += [(completion.text[-4:], time.monotonic() - started) for completion in batch]
        await asyncio.sleep(1.0)
    return arrived


def test_answers_come_when_the_model_says_and_are_accounted_for(tmp_path: Path) -> None:
    lengths = Lengths(median=100, sigma=0.0, most=100)  # a second, on a clock five times as fast
    script = TimedScript(speed=SPEED, solution=lengths, prompt_tokens=0, scale=5.0, accounts=str(tmp_path), right=1.0)
    arrived = asyncio.run(served(SleepingEngine(script, "c")))
    assert [text for text, _ in arrived] == ["{9}."] * 4
    assert all(at >= 0.2 for _, at in arrived[:2])
    assert all(at >= 0.4 for _, at in arrived[2:])  # there are two places
    (file,) = tmp_path.glob("*.jsonl")
    last = json.loads(file.read_text().splitlines()[-1])
    assert 3.9 < last["place_s"] < 4.1
    assert last["first"]["reasoner"] < last["last"]["reasoner"]
