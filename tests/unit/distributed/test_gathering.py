"""Requests of many coroutines travel together, and none waits for another's answer."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

from reasonflux.distributed.gathering import Gathering
from reasonflux.protocols import Completion, Outcome, Request, Sampling
from reasonflux.records import Message, Usage


def request(key: str) -> Request:
    return Request(id=key, messages=(Message(role="user", content=key),), sampling=Sampling())


def answer(key: str) -> Completion:
    return Completion(id=key, text=f"answer to {key}", outcome=Outcome.STOPPED, usage=Usage())


class Engine:
    """Answers in reverse order; requests named slow wait until they are released."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.release = asyncio.Event()

    async def stream(self, requests: Sequence[Request]) -> AsyncGenerator[Completion, None]:
        keys = [one.id for one in requests]
        self.calls.append(keys)
        for key in reversed([key for key in keys if not key.startswith("slow")]):
            await asyncio.sleep(0)
            if key != "lost":
                yield answer(key)
        if any(key.startswith("slow") for key in keys):
            await self.release.wait()
        for key in keys:
            if key.startswith("slow"):
                yield answer(key)
        if "broken" in keys:
            raise OSError("gone")


async def test_what_comes_together_travels_together_and_comes_back_in_order() -> None:
    engine = Engine()
    generate = Gathering(engine.stream, rows=8)
    done = await asyncio.gather(*[generate([request(f"{number}a"), request(f"{number}b")]) for number in range(6)])
    assert [[one.id for one in pair] for pair in done] == [[f"{number}a", f"{number}b"] for number in range(6)]
    assert [len(call) for call in engine.calls] == [8, 4]


async def test_a_slow_neighbour_holds_nobody() -> None:
    engine = Engine()
    generate = Gathering(engine.stream)
    slow = asyncio.create_task(generate([request("slow")]))
    (fast,) = await asyncio.wait_for(generate([request("fast")]), 5)
    assert fast.text == "answer to fast"
    assert engine.calls == [["slow", "fast"]]
    assert not slow.done()
    engine.release.set()
    assert (await slow)[0].text == "answer to slow"


async def test_calls_are_bounded_and_what_waits_goes_with_the_next_one() -> None:
    engine = Engine()
    generate = Gathering(engine.stream, rows=2, calls=1, wait_s=0)
    tasks = [asyncio.create_task(generate([request(f"slow{number}")])) for number in range(5)]
    await asyncio.sleep(0.05)
    assert engine.calls == [["slow0", "slow1"]]
    engine.release.set()
    await asyncio.gather(*tasks)
    assert engine.calls == [["slow0", "slow1"], ["slow2", "slow3"], ["slow4"]]


async def test_equal_requests_of_two_callers_are_both_answered() -> None:
    engine = Engine()
    generate = Gathering(engine.stream)
    both = await asyncio.gather(generate([request("a")]), generate([request("a")]))
    assert [done[0].text for done in both] == ["answer to a"] * 2


async def test_a_request_that_the_call_lost_and_a_call_that_broke_are_answers_too() -> None:
    generate = Gathering(Engine().stream)
    lost, kept = await generate([request("lost"), request("kept")])
    assert (lost.outcome, kept.outcome) == (Outcome.ENGINE_ERROR, Outcome.STOPPED)
    generate = Gathering(Engine().stream)
    broken, lost = await generate([request("broken"), request("lost")])
    assert broken.outcome is Outcome.STOPPED
    assert (lost.outcome, lost.message) == (Outcome.ENGINE_ERROR, "OSError: gone")


def test_one_gathering_serves_one_loop_after_another() -> None:
    async def once() -> str:
        return (await generate([request("a")]))[0].text

    generate = Gathering(Engine().stream)
    assert asyncio.run(once()) == asyncio.run(once()) == "answer to a"
