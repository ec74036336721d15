"""The client loses no request and asks again for missing ones alone, whatever breaks on the way."""

import asyncio
import logging
import pickle
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from reasonflux.distributed.engine_client import EngineClient, generate_method
from reasonflux.protocols import Completion, Outcome, Request, Sampling
from reasonflux.records import Message, Usage

Event = list[str] | Exception | float  # ids that arrive together, an error, or seconds without anything


class ScriptedApplication:
    """One script a call; what it was asked for is kept in `calls`."""

    def __init__(self, *scripts: Sequence[Event], outcomes: dict[str, Outcome] | None = None) -> None:
        self.scripts, self.outcomes = list(scripts), outcomes or {}
        self.calls: list[list[str]] = []
        self.called, self.cancelled = asyncio.Event(), 0

    def __call__(self, application: str) -> "ScriptedApplication":
        return self

    def remote(self, requests: list[Request]) -> "ScriptedResponse":
        self.calls.append([request.id for request in requests])
        self.called.set()
        return ScriptedResponse(self, self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0])


class ScriptedResponse:
    def __init__(self, application: ScriptedApplication, script: Sequence[Event]) -> None:
        self.application, self.events = application, self._events(script)

    async def _events(self, script: Sequence[Event]) -> AsyncIterator[list[Completion]]:
        for event in script:
            if isinstance(event, Exception):
                raise event
            if isinstance(event, float):
                await asyncio.sleep(event)
                continue
            yield [completion(name, self.application.outcomes.get(name, Outcome.STOPPED)) for name in event]

    def __anext__(self) -> Any:
        return self.events.__anext__()

    def cancel(self) -> None:
        self.application.cancelled += 1


def completion(name: str, outcome: Outcome = Outcome.STOPPED) -> Completion:
    return Completion(id=name, text=f"text of {name}", outcome=outcome, usage=Usage(output_tokens=1), message="why")


def requests(*names: str) -> list[Request]:
    return [Request(id=name, messages=(Message(role="user", content="x"),), sampling=Sampling()) for name in names]


def client(application: ScriptedApplication, **settings: Any) -> EngineClient:
    return EngineClient("app", connect=application, backoff_s=0.001, **settings)


async def test_completions_come_back_in_the_order_of_the_requests() -> None:
    application = ScriptedApplication([["c"], ["a", "b"]])
    done = await client(application)(requests("a", "b", "c"))
    assert [each.id for each in done] == ["a", "b", "c"]
    assert application.cancelled == 0


async def test_a_broken_call_costs_only_what_had_not_arrived() -> None:
    application = ScriptedApplication([["b"], RuntimeError("replica died")], [["c", "a"]])
    done = await client(application)(requests("a", "b", "c"))
    assert application.calls == [["a", "b", "c"], ["a", "c"]]
    assert [each.usage.attempts for each in done] == [2, 1, 2]
    assert all(each.outcome is Outcome.STOPPED for each in done)


async def test_a_call_that_ends_early_is_made_again_for_the_rest() -> None:
    application = ScriptedApplication([["a"]], [["b"]])
    done = await client(application)(requests("a", "b"))
    assert application.calls == [["a", "b"], ["b"]]
    assert [each.text for each in done] == ["text of a", "text of b"]


async def test_a_row_whose_engine_fails_is_asked_for_again_and_then_says_so() -> None:
    application = ScriptedApplication([["a", "b"]], [["b"]], outcomes={"b": Outcome.ENGINE_ERROR})
    done = await client(application, attempts=3)(requests("a", "b"))
    assert application.calls == [["a", "b"], ["b"], ["b"]]
    assert (done[1].outcome, done[1].message, done[1].usage.attempts) == (Outcome.ENGINE_ERROR, "why", 3)


@pytest.mark.parametrize("outcome", [Outcome.BAD_REQUEST, Outcome.PROMPT_TOO_LONG, Outcome.WRONG_CHECKPOINT])
async def test_what_would_fail_again_alike_is_asked_for_once(outcome: Outcome) -> None:
    application = ScriptedApplication([["a"]], outcomes={"a": outcome})
    done = await client(application)(requests("a"))
    assert (done[0].outcome, len(application.calls)) == (outcome, 1)


async def test_after_the_last_attempt_every_missing_row_has_an_engine_error_that_says_why() -> None:
    application = ScriptedApplication([["a"], RuntimeError("first line\nconnection lost")], [RuntimeError("gone")])
    done = await client(application, attempts=2)(requests("a", "b"))
    assert done[0].answered
    assert done[1].outcome is Outcome.ENGINE_ERROR
    assert done[1].usage.attempts == 2
    assert "RuntimeError: gone" in done[1].message
    assert "given up after 2 calls of app" in done[1].message


async def test_a_silent_application_is_given_up_at_the_deadline_and_named(caplog: pytest.LogCaptureFixture) -> None:
    application = ScriptedApplication([["a"], 60.0, ["b"]], [["b"]])
    with caplog.at_level(logging.WARNING):
        done = await client(application, deadline_s=0.05)(requests("a", "b"))
    assert [each.usage.attempts for each in done] == [1, 2]
    assert application.cancelled == 1
    assert "no completion from app for 0.05 s (1 of 2 arrived)" in caplog.text


async def test_the_deadline_counts_from_the_last_arrival() -> None:
    application = ScriptedApplication([0.3, ["a"], 0.3, ["b"]])
    done = await client(application, deadline_s=0.5)(requests("a", "b"))
    assert [each.usage.attempts for each in done] == [1, 1]


async def test_an_application_that_cannot_be_found_is_an_engine_error_of_each_row() -> None:
    def connect(application: str) -> Any:
        raise KeyError(f"no application {application}")

    done = await EngineClient("app", attempts=2, backoff_s=0.001, connect=connect)(requests("a", "b"))
    assert [each.outcome for each in done] == [Outcome.ENGINE_ERROR] * 2
    assert "no application app" in done[0].message


async def test_cancelling_the_caller_cancels_the_call() -> None:
    application = ScriptedApplication([60.0])
    task = asyncio.create_task(client(application)(requests("a")))
    async with asyncio.timeout(10):
        await application.called.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert application.cancelled == 1


async def test_one_id_twice_is_one_request_and_two_completions() -> None:
    application = ScriptedApplication([["a"]])
    done = await client(application)(requests("a", "a"))
    assert application.calls == [["a"]]
    assert [each.id for each in done] == ["a", "a"]


async def test_stream_gives_completions_before_the_call_ends() -> None:
    application = ScriptedApplication([["a"], 60.0])
    async for first in client(application).stream(requests("a", "b")):
        assert first.id == "a"
        break


async def test_a_client_that_has_called_can_still_be_pickled() -> None:
    used = client(ScriptedApplication([["a"]]))
    await used(requests("a"))
    used._generate = lambda: None  # what a real handle is to pickle
    used.connect = print
    assert pickle.loads(pickle.dumps(used)) == used


def test_warming_up_asks_for_nothing_and_what_breaks_is_left_to_the_first_call() -> None:
    asked: list[list[Request]] = []

    class Handle:
        def remote(self, given: list[Request]) -> Iterator[list[Completion]]:
            asked.append(given)
            return iter(())

    def unreachable(_: str) -> Any:
        raise RuntimeError("no such application")

    def silent(_: str) -> Any:
        time.sleep(60)

    assert EngineClient("app", connect=lambda _: Handle()).warm_up().application == "app"
    assert asked == [[]]
    EngineClient("app", connect=unreachable).warm_up()
    started = time.monotonic()
    EngineClient("app", connect=silent).warm_up(deadline_s=0.05)
    assert time.monotonic() - started < 5


async def test_a_list_of_which_answers_are_missing_makes_room_for_the_next() -> None:
    application = ScriptedApplication([["a"], 1.0, ["b"]], [["c"]])
    bounded = client(application, in_flight=2)
    first = asyncio.create_task(bounded(requests("a", "b")))
    await asyncio.sleep(0.05)  # "a" is there
    second = asyncio.create_task(bounded(requests("c")))
    assert [each.id for each in await second] == ["c"]
    assert not first.done()
    await first
    assert pickle.loads(pickle.dumps(replace(bounded, connect=generate_method))).in_flight == 2
