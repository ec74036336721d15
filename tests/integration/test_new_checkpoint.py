"""A running engine is given another checkpoint: nothing is lost, nothing is mixed up, and what is wrong is noticed."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_asyncio

from reasonflux.checkpoints import checkpoint_digest
from reasonflux.config import EngineSpec
from reasonflux.distributed.engines import deploy, serves
from reasonflux.distributed.local_engine import LocalEngine
from reasonflux.distributed.random_model import TINY, write_random_model
from reasonflux.distributed.swapping import forget_prefixes
from reasonflux.errors import EngineError
from reasonflux.protocols import Completion, Outcome, Request, Sampling
from reasonflux.records import Message
from tests.integration.conftest import Engine

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

SHARED = "a plan that many problems share, " * 6  # long enough for the prefix cache
NEAR = 2e-4  # nats a token between two engines with the same weights


@pytest.fixture(scope="module")
def new_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model's architecture with other weights."""
    return write_random_model(tmp_path_factory.mktemp("model") / "new", seed=1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def local(tiny_model: Path) -> AsyncIterator[LocalEngine]:
    """An engine on the tiny model inside this process."""
    spec = EngineSpec(model=str(tiny_model), device="cpu", max_model_len=512, max_num_seqs=16)
    engine = LocalEngine.start(spec)
    yield engine
    engine.close()


def ask(name: str, text: str = SHARED, *, checkpoint: str | None = None, **settings: Any) -> Request:
    sampling = Sampling(
        **{"max_tokens": 12, "temperature": 0.0, "logprobs": 0, "extra": {"ignore_eos": True}} | settings
    )
    messages = (Message(role="user", content=text),)
    return Request(id=name, messages=messages, sampling=sampling, seed=5, checkpoint=checkpoint)


def distance(one: Sequence[Completion], other: Sequence[Completion]) -> float:
    """Mean absolute difference in nats a token between greedy answers; infinite where the texts differ."""
    if [each.text for each in one] != [each.text for each in other]:
        return math.inf
    spent = sum(each.usage.output_tokens for each in one)
    pairs = zip(one, other, strict=True)
    return sum(abs(a.usage.cumulative_logprob - b.usage.cumulative_logprob) for a, b in pairs) / spent  # type: ignore[operator]


def replica(application: str) -> psutil.Process:
    for process in psutil.process_iter(["cmdline"]):
        if f"ServeReplica:{application}:" in " ".join(process.info["cmdline"] or []):
            return process
    raise AssertionError(f"no replica of {application} on this machine")


def swap(engine: Engine, model: Path) -> str:
    """Gives the application `model`; returns its digest."""
    digest = checkpoint_digest(str(model))
    deploy(engine.spec.model_copy(update={"model": str(model)}), engine.name, checkpoint=digest, rows_per_call=16)
    return digest


async def test_a_swap_under_load_and_a_kill_after_it_lose_nothing_and_mix_nothing_up(
    tiny_engine: Engine, new_model: Path
) -> None:
    texts = [f"{SHARED}problem {index}" for index in range(8)]
    probes = [ask(f"probe{index}", text) for index, text in enumerate(texts)]
    load = [ask(f"r{index}", f"word {index}", max_tokens=40, temperature=1.0) for index in range(256)]
    old = [ask(f"old{index}", checkpoint=tiny_engine.checkpoint) for index in range(8)]
    client = tiny_engine.client(backoff_s=0.2)
    before, of_old = await client(probes), {each.id: each.text for each in await client(load)}
    process = replica(tiny_engine.name)
    children = process.children(recursive=True)

    async def keep_asking() -> list[Completion]:
        found: list[Completion] = []
        while not swapping.done():
            found += await client(load[:64])
            found += await client(old)
        return found + await client(load[:64])  # however short the swap was, these come after it

    swapping = asyncio.create_task(asyncio.to_thread(swap, tiny_engine, new_model))
    calls = [asyncio.create_task(client(load[start : start + 64])) for start in range(0, 256, 64)]
    try:
        during = await keep_asking()
        digest = await swapping
        during += [each for call in await asyncio.gather(*calls) for each in call]
        after, of_new = await client(probes), {each.id: each.text for each in await client(load)}

        assert replica(tiny_engine.name) == process, "the replica was replaced, not swapped"
        assert await asyncio.to_thread(serves, tiny_engine.name) == digest
        told = {each.outcome for each in during if each.id.startswith("old")}
        assert told <= {Outcome.TRUNCATED, Outcome.WRONG_CHECKPOINT}
        answered = [each for each in during if each.id in of_old]
        assert {each.outcome for each in answered} == {Outcome.TRUNCATED}, "a request was lost"
        of = {tiny_engine.checkpoint: of_old, digest: of_new}
        assert {each.usage.checkpoint for each in answered} == set(of), "the load did not outlast the swap"
        mixed = [each.id for each in answered if each.text != of[each.usage.checkpoint][each.id]]
        assert mixed == [], "a text is not of the checkpoint that it names"
        (refused,) = await client([old[0]])
        assert refused.outcome is Outcome.WRONG_CHECKPOINT
        assert all(each.usage.cached_tokens == 0 for each in after[:1])

        truncated = await tiny_engine.truncated()
        calls = [asyncio.create_task(client(load[start : start + 64])) for start in 2 * (0, 64, 128, 192)]
        await tiny_engine.answers_more_than(truncated)
        process.kill()  # the replica that Serve starts instead has never seen the old checkpoint
        again = [each for call in await asyncio.gather(*calls) for each in call]
        assert {each.id: each.text for each in again} == of_new, "a kill lost or changed a row"
        assert max(each.usage.attempts for each in again) > 1
        assert replica(tiny_engine.name) != process
        psutil.wait_procs([process, *children], timeout=60)
        assert not any(each.is_running() for each in (process, *children)), "an orphan holds memory"
        fresh = await client(probes)
        assert {each.usage.checkpoint for each in fresh} == {digest}
        assert distance(after, fresh) < NEAR
        assert distance(before, fresh) > 100 * NEAR
    finally:
        assert await asyncio.to_thread(swap, tiny_engine, Path(tiny_engine.spec.model)) == tiny_engine.checkpoint
    back = await client([*probes, old[0]])
    assert distance(before, back[:-1]) < NEAR
    assert back[-1].answered


async def test_prefixes_of_the_old_weights_change_answers_until_they_are_forgotten(
    local: LocalEngine, new_model: Path
) -> None:
    client = local.client(60)
    await client([ask("warm", SHARED + "first")])
    await local._engine.collective_rpc("swap_checkpoint", args=(str(new_model),))
    (stale,) = await client([ask("a", SHARED + "second")])
    await forget_prefixes(local._engine)
    (right,) = await client([ask("b", SHARED + "second")])
    assert stale.usage.cached_tokens >= 128
    assert right.usage.cached_tokens == 0
    assert distance([stale], [right]) > 100 * NEAR
    await local._engine.collective_rpc("swap_checkpoint", args=(str(local._path),))
    await forget_prefixes(local._engine)
    await client([ask("warm", SHARED + "first")])
    await local.swap(str(new_model), checkpoint_digest(str(new_model)))
    (swapped,) = await client([ask("c", SHARED + "second")])
    assert swapped.usage.cached_tokens == 0
    assert distance([swapped], [right]) < NEAR


async def test_a_model_of_another_architecture_is_refused_and_the_old_one_goes_on(
    local: LocalEngine, tmp_path: Path
) -> None:
    from dataclasses import replace

    other = write_random_model(tmp_path / "other", replace(TINY, layers=2))
    serving = await local.serves()
    with pytest.raises(EngineError, match="num_hidden_layers"):
        await local.swap(str(other), checkpoint_digest(str(other)))
    (done,) = await local.client(60)([ask("a", checkpoint=serving)])
    assert done.answered
    await local.check_health()


async def test_what_does_not_end_before_a_swap_is_broken_off_and_says_so(
    local: LocalEngine, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reasonflux.distributed.engine_server.DRAIN_S", 0.2)
    long = [ask(f"long{index}", "word", max_tokens=480) for index in range(64)]  # four times what runs at once
    running = asyncio.create_task(local.client(60)(long))
    await asyncio.sleep(0.5)
    started = time.monotonic()
    await local.swap(str(tiny_model), checkpoint_digest(str(tiny_model)))
    done = await running
    assert {each.outcome for each in done} <= {Outcome.ENGINE_ERROR, Outcome.TRUNCATED}
    assert done[-1].outcome is Outcome.ENGINE_ERROR
    assert "abort" in done[-1].message
    assert time.monotonic() - started < 30


async def test_a_swap_that_changes_nothing_is_caught_even_where_the_canary_would_tolerate_it(
    local: LocalEngine, new_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(method: str, args: tuple[str, ...]) -> None:
        assert method == "swap_checkpoint"

    with monkeypatch.context() as patched:
        patched.setattr(local._engine, "collective_rpc", nothing)
        patched.setattr("reasonflux.distributed.canary.TOLERANCE", {"float32": 100})
        with pytest.raises(EngineError, match="what it computed before"):
            await local.swap(str(new_model), checkpoint_digest(str(new_model)))
    monkeypatch.setattr(local, "_fault", "")


async def test_the_stock_reload_is_caught_and_the_engine_answers_nothing_more(
    local: LocalEngine, new_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """vLLM's own reload_weights on CPU returns without an error, and the engine computes something else."""
    remote = local._engine.collective_rpc

    async def stock(method: str, args: tuple[str, ...]) -> None:
        assert method == "swap_checkpoint"
        await remote("reload_weights", kwargs={"weights_path": args[0]})

    monkeypatch.setattr(local._engine, "collective_rpc", stock)
    with pytest.raises(EngineError, match="nats a token"):
        await local.swap(str(new_model), checkpoint_digest(str(new_model)))
    (refused,) = await local.client(60)([ask("a")])
    assert refused.outcome is Outcome.ENGINE_ERROR
    assert "nats a token" in refused.message
    with pytest.raises(EngineError, match="nats a token"):
        await local.check_health()
