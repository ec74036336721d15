"""What the scripted engine answers follows from the request alone, and comes when its latency says."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks.performance.scripted_engine import Script, ScriptedEngine, outcome_of, write_empty_checkpoint
from reasonflux.checkpoints import checkpoint_digest
from reasonflux.protocols import Completion, Outcome, Request, Sampling
from reasonflux.records import Message

ANSWER = "Apply the plan. Give the answer in \\boxed{}.\nPlan:\n1. Add\nProblem: How many are 4 + 5?"


def requests(count: int, prompt: str = ANSWER, **fields: Any) -> list[Request]:
    messages = (Message(role="user", content=prompt),)
    return [Request(id=f"{index:032x}", messages=messages, sampling=Sampling(), **fields) for index in range(count)]


async def batches(engine: ScriptedEngine, asked: list[Request]) -> list[list[Completion]]:
    return [batch async for batch in engine.generate(asked)]


async def test_answers_do_not_depend_on_the_replica_or_the_order() -> None:
    script = Script(outcomes={Outcome.PROMPT_TOO_LONG: 0.3})
    (one,) = await batches(ScriptedEngine(script, "c"), requests(20))
    (other,) = await batches(ScriptedEngine(script, "c"), requests(20)[::-1])
    assert one == other[::-1]
    assert {completion.outcome for completion in one} == {Outcome.STOPPED, Outcome.PROMPT_TOO_LONG}
    assert [completion.outcome for completion in one] == [outcome_of(each.id, script.outcomes) for each in one]


async def test_every_rollout_is_right_or_wrong_as_asked() -> None:
    (right,) = await batches(ScriptedEngine(Script(right=1.0), "c"), requests(20))
    (wrong,) = await batches(ScriptedEngine(Script(right=0.0), "c"), requests(20))
    assert all(completion.text.endswith("\\boxed{9}.") for completion in right)
    assert not any("\\boxed{9}" in completion.text for completion in wrong)


async def test_another_checkpoint_is_refused_and_counted() -> None:
    engine = ScriptedEngine(Script(), "this one")
    (completions,) = await batches(engine, requests(2, checkpoint="another"))
    assert {completion.outcome for completion in completions} == {Outcome.WRONG_CHECKPOINT}
    stats = await engine.stats()
    assert (stats["calls"], stats["requests"], stats["wrong_checkpoint"]) == (1, 2, 2)


@pytest.mark.slow
async def test_completions_arrive_when_their_latency_is_over() -> None:
    engine = ScriptedEngine(Script(latency=lambda completion: 0.5 * int(completion.id, 16)), "c")
    started, arrived = time.monotonic(), []
    async with asyncio.timeout(10):
        async for batch in engine.generate(requests(3)):
            arrived.append((len(batch), time.monotonic() - started, batch[0].usage.latency_s))
    assert [count for count, _, _ in arrived] == [1, 1, 1]
    assert all(at >= latency for _, at, latency in arrived)
    assert [latency for _, _, latency in arrived] == [0.0, 0.5, 1.0]


def test_the_empty_checkpoint_passes_for_a_model(tmp_path: Path) -> None:
    assert checkpoint_digest(str(write_empty_checkpoint(tmp_path / "model")))
