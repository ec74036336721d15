"""A real engine behind Serve: what a request asks for is what the completion shows, and a kill loses nothing."""

import asyncio
import json
import math
import re
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from tokenizers import Tokenizer

from reasonflux.config import EngineSpec
from reasonflux.distributed.engine_options import deployment_options
from reasonflux.distributed.engines import deploy, running, stats
from reasonflux.errors import BadInput, Deadline, EngineError
from reasonflux.library.extraction import expand_solved, extract
from reasonflux.protocols import Outcome, Request, Sampling
from reasonflux.records import Message, Problem
from tests.integration.conftest import Engine, command_line

pytestmark = pytest.mark.slow

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}


def ask(
    name: str, text: str = "6 times 7?", *, seed: int = 1, checkpoint: str | None = None, **settings: Any
) -> Request:
    sampling = Sampling(**{"max_tokens": 12, **settings})
    messages = (Message(role="user", content=text),)
    return Request(id=name, messages=messages, sampling=sampling, seed=seed, checkpoint=checkpoint)


async def test_every_request_has_its_completion_with_counts_and_provenance(tiny_engine: Engine) -> None:
    requests = [ask(f"r{index}", "word " * index, seed=index) for index in range(40)]
    done = await tiny_engine.client()(requests)
    assert [each.id for each in done] == [each.id for each in requests]
    for index, each in enumerate(done):
        assert each.outcome in (Outcome.STOPPED, Outcome.TRUNCATED), each.message
        assert each.usage.prompt_tokens >= 5 * index
        assert 0 < each.usage.output_tokens <= 12
        assert each.usage.checkpoint == tiny_engine.checkpoint
        assert each.usage.cumulative_logprob is not None
        assert each.usage.cumulative_logprob < 0
        assert each.usage.latency_s > 0


async def test_a_seed_fixes_the_text_whatever_else_runs(tiny_engine: Engine) -> None:
    alone = await tiny_engine.client()([ask("a", seed=7)])
    crowd = [ask(f"x{index}", "filler " * 9, seed=index) for index in range(20)]
    among = await tiny_engine.client()([*crowd, ask("a", seed=7)])
    other = await tiny_engine.client()([ask("a", seed=8)])
    assert alone[0].text == among[-1].text
    assert alone[0].text != other[0].text


async def test_seeded_prompts_longer_than_one_step_do_not_kill_the_engine(tiny_engine: Engine) -> None:
    """vLLM's CPU engine dies of a seeded request whose prompt is split over two steps."""
    requests = [ask(f"long{index}", "x" * 440, seed=index, max_tokens=2) for index in range(64)]
    done = await tiny_engine.client(attempts=1)(requests)
    assert all(each.answered for each in done)


async def test_a_short_completion_does_not_wait_for_a_long_one(tiny_engine: Engine) -> None:
    forever = {"ignore_eos": True}
    requests = [ask("long", max_tokens=400, extra=forever), ask("short", max_tokens=1, extra=forever)]
    order = [(each.id, time.monotonic()) async for each in tiny_engine.client().stream(requests)]
    assert [name for name, _ in order] == ["short", "long"]
    assert order[1][1] > order[0][1]


async def test_logprobs_are_of_the_sampled_tokens_and_add_up(tiny_engine: Engine) -> None:
    (plain, with_top) = await tiny_engine.client()([ask("a"), ask("b", logprobs=2)])
    assert plain.logprobs is None
    assert with_top.logprobs is not None
    assert len(with_top.logprobs) == with_top.usage.output_tokens
    assert all(2 <= len(position) <= 3 for position in with_top.logprobs)
    first_of_each = [next(iter(position.values())) for position in with_top.logprobs]  # the sampled token comes first
    assert with_top.usage.cumulative_logprob is not None
    assert math.isclose(sum(first_of_each), with_top.usage.cumulative_logprob, rel_tol=1e-4)
    assert with_top.text == plain.text


async def test_structured_output_has_the_asked_form(tiny_engine: Engine) -> None:
    by_schema, by_regex, by_choice = await tiny_engine.client()(
        [
            ask("schema", json_schema=SCHEMA, max_tokens=60, temperature=0),
            ask("regex", regex=r"[0-9]{3}-[a-f]{2}", max_tokens=60),
            ask("choice", choice=("yes", "no"), max_tokens=60),
        ]
    )
    assert re.fullmatch(r"[0-9]{3}-[a-f]{2}", by_regex.text)
    assert by_choice.text in ("yes", "no")
    assert by_choice.outcome is Outcome.STOPPED
    if by_schema.outcome is Outcome.STOPPED:  # a random model may still be writing digits
        assert isinstance(json.loads(by_schema.text)["n"], int)
    assert by_schema.text.lstrip().startswith("{")


async def test_l6_held_to_the_schema_of_extraction_any_model_writes_templates(
    tiny_engine: Engine, tiny_model: Path
) -> None:
    """Random weights know no JSON: the schema makes it, and a bias to what closes strings and lists ends it."""
    tokenizer = Tokenizer.from_file(str(tiny_model / "tokenizer.json"))
    sampling = Sampling(max_tokens=400, extra={"logit_bias": {tokenizer.token_to_id(mark): 60.0 for mark in '"]}'}})
    solved = [(Problem(id=name, text=f"What is {name}?", gold="it", problem_set="mine"), "So.") for name in "abcdefgh"]

    def render(name: str, *, problem: Problem, solution: str) -> tuple[Message, ...]:
        return (Message(role="user", content=f"{problem.text} {solution}"),)

    proposals = await extract(expand_solved(solved, sampling, {}), tiny_engine.client(), render, sampling)
    templates = [proposal.template for proposal in proposals if proposal.template]
    assert templates, [proposal.failure for proposal in proposals]
    assert all(template.name and len(template.steps) >= 2 for template in templates)
    assert {each.failure.error for each in proposals if each.failure} <= {"not in the schema", "truncated"}  # blank


async def test_stop_strings_end_the_answer_and_are_left_out(tiny_engine: Engine) -> None:
    (free,) = await tiny_engine.client()([ask("a", max_tokens=40, extra={"ignore_eos": True})])
    stop = free.text[len(free.text) // 2 :][:3]
    (stopped,) = await tiny_engine.client()([ask("b", max_tokens=40, stop=(stop,), extra={"ignore_eos": True})])
    assert stopped.outcome is Outcome.STOPPED
    assert stopped.text == free.text[: free.text.index(stop)]
    assert free.outcome is Outcome.TRUNCATED


async def test_text_made_at_the_end_is_the_text_made_step_by_step(tiny_engine: Engine) -> None:
    """Without stop strings the replica detokenises finished answers itself; with one, vLLM does it as they grow."""
    at_the_end = [ask(f"a{index}", seed=index, max_tokens=80) for index in range(24)]
    step_by_step = [ask(f"b{index}", seed=index, max_tokens=80, stop=("never written",)) for index in range(24)]
    done = await tiny_engine.client()(at_the_end + step_by_step)
    texts = [each.text for each in done]
    assert texts[:24] == texts[24:]
    assert len(set(texts)) > 12
    assert {each.outcome for each in done} == {Outcome.STOPPED, Outcome.TRUNCATED}


async def test_parameters_of_vllm_itself_take_effect(tiny_engine: Engine) -> None:
    extra = {"allowed_token_ids": [10], "ignore_eos": True}
    (only_one,) = await tiny_engine.client()([ask("a", max_tokens=5, extra=extra)])
    assert len(set(only_one.text)) == 1
    assert only_one.usage.output_tokens == 5


async def test_each_way_to_fail_is_told_apart(tiny_engine: Engine) -> None:
    long, truncated, bad_value, bad_name, bad_schema, other_model = await tiny_engine.client()(
        [
            ask("long", "x" * 600),
            ask("truncated", max_tokens=1, extra={"ignore_eos": True}),
            ask("bad value", extra={"min_p": 7}),
            ask("bad name", extra={"min_pea": 0.1}),
            ask("bad schema", json_schema={"type": "nonsense"}),
            ask("other model", checkpoint="0" * 32),
        ]
    )
    assert long.outcome is Outcome.PROMPT_TOO_LONG
    assert "the context is 512" in long.message
    assert long.usage.prompt_tokens > 600
    assert truncated.outcome is Outcome.TRUNCATED
    for bad, said in ((bad_value, "min_p"), (bad_name, "min_pea"), (bad_schema, "nonsense")):
        assert (bad.outcome, bad.usage.attempts) == (Outcome.BAD_REQUEST, 1)
        assert said in bad.message
    assert other_model.outcome is Outcome.WRONG_CHECKPOINT
    assert tiny_engine.checkpoint in other_model.message


async def test_a_request_that_expects_this_checkpoint_is_answered(tiny_engine: Engine) -> None:
    (done,) = await tiny_engine.client()([ask("a", checkpoint=tiny_engine.checkpoint)])
    assert done.answered


async def test_a_shared_prefix_is_served_from_the_cache(tiny_engine: Engine) -> None:
    shared = "a plan that many problems share, " * 6
    await tiny_engine.client()([ask("warm", shared + "first")])
    done = await tiny_engine.client()([ask(f"r{index}", shared + f"problem {index}") for index in range(4)])
    assert all(each.usage.cached_tokens >= 128 for each in done)


async def test_an_engine_counts_what_it_does(tiny_engine: Engine) -> None:
    before = await asyncio.to_thread(stats, tiny_engine.name)
    done = await tiny_engine.client()([ask(f"r{index}") for index in range(5)])
    after = await asyncio.to_thread(stats, tiny_engine.name)
    assert after["calls"] - before["calls"] == 1
    assert after["requests"] - before["requests"] == 5
    spent = sum(each.usage.output_tokens for each in done)
    assert after["output_tokens"] - before["output_tokens"] == spent


async def test_a_caller_that_goes_away_stops_the_work(tiny_engine: Engine) -> None:
    endless = [ask(f"r{index}", max_tokens=450, extra={"ignore_eos": True}) for index in range(8)]
    task = asyncio.create_task(tiny_engine.client()(endless))
    await asyncio.sleep(1.0)
    task.cancel()
    before = (await asyncio.to_thread(stats, tiny_engine.name)).get("truncated", 0)
    await asyncio.sleep(3.0)
    after = (await asyncio.to_thread(stats, tiny_engine.name)).get("truncated", 0)
    assert after - before < len(endless)


async def test_a_kill_of_the_engine_process_in_the_middle_of_calls_loses_no_row(tiny_engine: Engine) -> None:
    """The replica's own death is in test_new_checkpoint.py."""
    requests = [ask(f"r{index}", max_tokens=60, seed=index, extra={"ignore_eos": True}) for index in range(192)]
    reference = {each.id: each.text for each in await tiny_engine.client()(requests)}
    client = tiny_engine.client()
    truncated = await tiny_engine.truncated()
    calls = [asyncio.create_task(client(requests[start : start + 32])) for start in range(0, 192, 32)]
    await tiny_engine.answers_more_than(truncated)
    replica, engine = processes(tiny_engine.name)
    engine.kill()
    done = [each for call in await asyncio.gather(*calls) for each in call]
    assert [each.id for each in done] == [each.id for each in requests]
    assert {each.outcome for each in done} == {Outcome.TRUNCATED}
    assert max(each.usage.attempts for each in done) > 1
    assert {each.id: each.text for each in done} == reference  # a seed gives the same text after the kill
    psutil.wait_procs([replica, engine], timeout=60)
    assert not replica.is_running()
    assert not engine.is_running()  # no orphan holds memory


def processes(application: str) -> tuple[psutil.Process, psutil.Process]:
    """The replica's process and the process of the engine below it."""
    for process in psutil.process_iter(["cmdline"]):
        if f"ServeReplica:{application}:" in " ".join(process.info["cmdline"] or []):
            (engine,) = [child for child in process.children() if "EngineCore" in command_line(child)]
            return process, engine
    raise AssertionError(f"no replica of {application} on this machine")


def test_an_engine_that_cannot_start_says_why_and_leaves_nothing(
    tiny_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def once(*given: Any) -> dict[str, Any]:  # a second try would say the same, and import vLLM again
        return deployment_options(*given) | {"max_constructor_retry_count": 1}

    monkeypatch.setattr("reasonflux.distributed.engines.deployment_options", once)
    broken = tiny_engine.spec.model_copy(update={"max_model_len": 100_000})  # more than the model has positions
    with pytest.raises(EngineError, match="max_model_len"):
        deploy(broken, "broken")
    assert running(["broken"]) == set()


def test_an_engine_that_finds_no_room_is_named_at_the_deadline(tiny_engine: Engine) -> None:
    greedy = tiny_engine.spec.model_copy(update={"cpus_per_replica": 1000.0, "start_deadline_s": 3.0})
    with pytest.raises(Deadline, match="greedy is DEPLOYING"):
        deploy(greedy, "greedy")
    assert running(["greedy", tiny_engine.name]) == {tiny_engine.name}


def test_a_model_without_safetensors_is_refused_before_serve_is_asked(ray_cluster: str, tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(BadInput, match="only pickled weights"):
        deploy(EngineSpec(model=str(tmp_path), device="cpu"), "pickled")
