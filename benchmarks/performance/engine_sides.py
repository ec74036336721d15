"""The sides of `engine_overhead`: the main job's rollout stage, lists through Serve, bare `AsyncLLM`, and offline."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import psutil

from benchmarks.performance.engine_load import LOADS, Load
from reasonflux.config import EngineSpec, StreamConfig
from reasonflux.distributed.engine_client import EngineClient
from reasonflux.distributed.engine_options import engine_arguments, environment
from reasonflux.protocols import Request
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.reasoning.reasoner import roll_out
from reasonflux.records import Attempt, Rollout

ROOT = Path(__file__).parents[2]
CHILD = "benchmarks.performance.engine_overhead"  # the module that a child process runs
APPLICATION = "overhead"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One repeat of one side."""

    tokens: int
    seconds: float
    outside_s: float  # CPU time of everything but the engine's own process

    @property
    def rate(self) -> float:
        """Output tokens/s."""
        return self.tokens / self.seconds


class Side(Protocol):
    """Makes one repeat's rollouts."""

    def __call__(self, repeat: int) -> Measured: ...


def cpu_outside_s() -> float:
    """CPU time of this process and its children, Ray's among them, without the engines' own processes."""
    spent = 0.0
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        try:
            if "EngineCore" not in " ".join(process.cmdline()):
                times = process.cpu_times()
                spent += times.user + times.system
        except psutil.Error:
            continue
    return spent


def measure(answer: Callable[[], int]) -> Measured:
    """Runs `answer`, which returns the output tokens it made."""
    before, started = cpu_outside_s(), time.perf_counter()
    tokens = answer()
    seconds = time.perf_counter() - started
    return Measured(tokens=tokens, seconds=seconds, outside_s=cpu_outside_s() - before)


@contextmanager
def ray_sides(spec: EngineSpec, load: Load, stream: StreamConfig) -> Iterator[dict[str, Side]]:
    """`serve` and `stage`, on one engine behind Serve in a local Ray below this process."""
    import ray
    from ray import serve

    from reasonflux.distributed.engines import deploy

    with tempfile.TemporaryDirectory(prefix="rf-", ignore_cleanup_errors=True) as directory:
        ray.init(
            address="local",
            num_cpus=8,
            include_dashboard=False,
            log_to_driver=False,
            runtime_env={"env_vars": {"PYTHONPATH": str(ROOT)}},
            _temp_dir=directory,
        )
        deploy(spec, APPLICATION, rows_per_call=stream.rows_per_part)
        engine = serve.get_app_handle(APPLICATION)

        def forget() -> None:
            assert engine.reset_prefix_cache.remote().result(timeout_s=30), "the prefix cache is in use"

        def lists(repeat: int) -> Measured:
            requests = asyncio.run(load.requests(repeat))
            forget()
            return measure(lambda: asyncio.run(_call_in_lists(requests, stream)))

        def stage(repeat: int) -> Measured:
            forget()
            return _stage(load, stream, repeat)

        yield {"serve": lists, "stage": stage}
        serve.shutdown()
        ray.shutdown()


async def _call_in_lists(requests: list[Request], stream: StreamConfig) -> int:
    client, gate, rows = EngineClient(APPLICATION), asyncio.Semaphore(stream.calls_in_flight or 1), stream.rows_per_part

    async def call(part: list[Request]) -> int:
        async with gate:
            return sum(completion.usage.output_tokens for completion in await client(part))

    return sum(await asyncio.gather(*[call(requests[at : at + rows]) for at in range(0, len(requests), rows)]))


class RolloutWorker:
    """What the main job's stage does with a part, and when: a line with its start and end in `times`."""

    def __init__(self, load: Load, times: Path) -> None:
        self._client = EngineClient(APPLICATION).warm_up()
        self._prompts, self._load, self._times = PromptSet.load(), load, times

    async def __call__(self, rows: list[Attempt]) -> Sequence[Rollout]:
        started = time.time()
        done = await roll_out(rows, self._client, self._prompts, self._load.config)
        with self._times.open("a") as file:
            file.write(f"{started} {time.time()}\n")
        return done


def _stage(load: Load, stream: StreamConfig, repeat: int) -> Measured:
    """The rollout stage over a run directory, from its first call to its last answer: its actors' start is left out."""
    from reasonflux.distributed.stream import MapStage, map_rows
    from reasonflux.storage.stage import Stage
    from reasonflux.storage.store import Store

    with tempfile.TemporaryDirectory() as directory:
        store, times = Store.at(directory).child(f"repeat-{repeat}"), Path(directory) / "times"
        source, attempts = Stage(store, "attempts", Attempt), load.attempts(repeat)
        size = -(-len(attempts) // 4)
        shards = [attempts[at : at + size] for at in range(0, len(attempts), size)]
        for shard, rows in enumerate(shards):
            source.put_shard(shard, rows)
        stage = MapStage(
            source=source,
            target=Stage(store, "rollouts", Rollout),
            build=partial(RolloutWorker, load, times),
            together="trajectory_id",
            stream=stream,
            rows_per_part=stream.rows_per_part,
        )
        whole = measure(lambda: map_rows(stage, len(shards)).output_tokens)
        moments = [[float(moment) for moment in line.split()] for line in times.read_text().splitlines()]
    seconds = max(end for _, end in moments) - min(start for start, _ in moments)
    return Measured(tokens=whole.tokens, seconds=seconds, outside_s=whole.outside_s)


@contextmanager
def child_side(kind: str, model: str, spec: EngineSpec) -> Iterator[Side]:
    """`bare` or `offline` in a process of its own with the replica's environment: a repeat in, a measurement out."""
    variables = environment(spec)
    if kind == "offline":  # its engine computes in this very process, which needs torch's OpenMP from the start
        variables["LD_PRELOAD"] = str(next((_site("torch") / "lib").glob("libgomp*"), ""))
    command = [sys.executable, "-m", CHILD, "--child", kind, "--models", model, "--spec", spec.model_dump_json()]
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ | variables
    )
    stdin, stdout = child.stdin, child.stdout
    assert stdin is not None
    assert stdout is not None

    def answer(repeat: int) -> Measured:
        stdin.write(f"{repeat}\n")
        stdin.flush()
        for line in stdout:
            if line.startswith("{"):
                return Measured(**json.loads(line))
        raise RuntimeError(f"the {kind} side ended")

    yield answer
    stdin.close()
    child.wait(60)


def _site(package: str) -> Path:
    import importlib.util

    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent if spec and spec.origin else Path()


def run_child(kind: str, model: str, spec: EngineSpec) -> None:
    """The other end of `child_side`."""
    forget, answer = _bare(spec) if kind == "bare" else _offline(spec)
    for line in sys.stdin:
        requests = asyncio.run(LOADS[model].requests(int(line)))
        assert forget(), "the prefix cache is in use"
        print(json.dumps(asdict(measure(partial(answer, requests)))), flush=True)


Engine = tuple[Callable[[], bool], Callable[[list[Request]], int]]  # forgets its prompts; answers, and counts tokens


def _bare(spec: EngineSpec) -> Engine:
    """`AsyncLLM` at its best: rendered prompts and parameters in, final outputs with their text out."""
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.inputs.engine import tokens_input
    from vllm.v1.engine.async_llm import AsyncLLM

    from reasonflux.distributed.sampling import vllm_parameters

    loop = asyncio.new_event_loop()

    async def start() -> AsyncLLM:
        return AsyncLLM.from_engine_args(AsyncEngineArgs(**engine_arguments(spec, spec.model)))

    engine = loop.run_until_complete(start())
    tokenizer = engine.get_tokenizer()

    async def one(request: Request) -> int:
        parameters, count = vllm_parameters(request.sampling, request.seed), 0
        async for output in engine.generate(tokens_input(_tokens(tokenizer, request)), parameters, request.id):
            count = len(output.outputs[0].token_ids)
        return count

    async def answer(requests: list[Request]) -> int:
        return sum(await asyncio.gather(*[one(request) for request in requests]))

    return (
        lambda: loop.run_until_complete(engine.reset_prefix_cache()),
        lambda requests: loop.run_until_complete(answer(requests)),
    )


def _offline(spec: EngineSpec) -> Engine:
    """`vllm.LLM` with all requests in one `generate`."""
    from vllm import LLM

    from reasonflux.distributed.sampling import vllm_parameters

    engine = LLM(**engine_arguments(spec, spec.model))
    tokenizer = engine.get_tokenizer()

    def answer(requests: list[Request]) -> int:
        prompts: list[Any] = [{"prompt_token_ids": _tokens(tokenizer, request)} for request in requests]
        parameters = [vllm_parameters(request.sampling, request.seed) for request in requests]
        outputs = engine.generate(prompts, parameters, use_tqdm=False)
        return sum(len(output.outputs[0].token_ids) for output in outputs)

    return engine.reset_prefix_cache, answer


def _tokens(tokenizer: Any, request: Request) -> list[int]:
    """The chat template's tokens, as the replica makes them."""
    chat = [{"role": message.role, "content": message.content} for message in request.messages]
    text = tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
    return list(tokenizer.encode(text, add_special_tokens=False))
