"""The three sides of `engine_overhead`: one engine behind Serve, bare in a process, and offline; and their load."""

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import psutil

from reasonflux.config import EngineSpec
from reasonflux.distributed.engine_options import engine_arguments, environment
from reasonflux.distributed.random_model import MEDIUM, TINY
from reasonflux.protocols import Request, Sampling
from reasonflux.records import Message

ROOT = Path(__file__).parents[2]
CHILD = "benchmarks.performance.engine_overhead"  # the module that a child process runs


@dataclass(frozen=True, kw_only=True)
class Load:
    """What one repeat asks for."""

    requests: int
    prompt_bytes: int  # the random models' tokenizer has one token a byte
    least_tokens: int
    most_tokens: int  # answers are of lengths drawn between, so that they end one by one

    def repeat(self, number: int) -> list[Request]:
        draw = random.Random(number)
        made = []
        for index in range(self.requests):
            text = f"{number}.{index} " + "".join(draw.choices("abcdefghij ", k=self.prompt_bytes))
            tokens = draw.randint(self.least_tokens, self.most_tokens)
            sampling = Sampling(max_tokens=tokens, extra={"ignore_eos": True})
            messages = (Message(role="user", content=text),)
            made.append(Request(id=f"{number}.{index}", messages=messages, sampling=sampling, seed=index))
        return made


MODELS = {
    "tiny": (TINY, Load(requests=384, prompt_bytes=80, least_tokens=16, most_tokens=96)),
    "medium": (MEDIUM, Load(requests=96, prompt_bytes=80, least_tokens=16, most_tokens=48)),
}


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One repeat of one side."""

    tokens: int
    seconds: float
    outside_s: float  # CPU time of everything but the engine's own process

    @property
    def rate(self) -> float:
        return self.tokens / self.seconds


class Side(Protocol):
    """Answers one repeat's requests."""

    def __call__(self, number: int) -> Measured: ...


def cpu_seconds(outside: bool) -> float:
    """CPU time of this process and its children, Ray's among them; without the engines' own processes if `outside`."""
    spent = 0.0
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        try:
            engine = "EngineCore" in " ".join(process.cmdline())
            times = process.cpu_times()
        except psutil.Error:
            continue
        spent += 0.0 if engine and outside else times.user + times.system
    return spent


def measure(answer: Callable[[], int]) -> Measured:
    """Runs `answer`, which returns the output tokens it made."""
    before, started = cpu_seconds(outside=True), time.perf_counter()
    tokens = answer()
    seconds = time.perf_counter() - started
    return Measured(tokens=tokens, seconds=seconds, outside_s=cpu_seconds(outside=True) - before)


@contextmanager
def serve_side(spec: EngineSpec, load: Load, *, rows: int, calls: int) -> Iterator[Side]:
    """Serve and the client, in this process and a local Ray below it."""
    import ray
    from ray import serve

    from reasonflux.distributed.engine_client import EngineClient
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
        deploy(spec, "overhead", rows_per_call=rows)

        async def answer(requests: list[Request]) -> int:
            client, gate = EngineClient("overhead"), asyncio.Semaphore(calls)

            async def call(part: list[Request]) -> int:
                async with gate:
                    return sum(completion.usage.output_tokens for completion in await client(part))

            return sum(await asyncio.gather(*[call(requests[at : at + rows]) for at in range(0, len(requests), rows)]))

        yield lambda number: measure(lambda: asyncio.run(answer(load.repeat(number))))
        serve.shutdown()
        ray.shutdown()


@contextmanager
def child_side(kind: str, model: str, spec: EngineSpec) -> Iterator[Side]:
    """`bare` or `offline` in a process of its own with the replica's environment: a number in, a measurement out."""
    variables = environment(spec)
    if kind == "offline":  # its engine computes in this very process, which needs torch's OpenMP from the start
        variables["LD_PRELOAD"] = str(next((Path(_site("torch")) / "lib").glob("libgomp*"), ""))
    command = [sys.executable, "-m", CHILD, "--child", kind, "--models", model, "--spec", spec.model_dump_json()]
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ | variables
    )
    assert child.stdin is not None
    assert child.stdout is not None

    def answer(number: int) -> Measured:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(f"{number}\n")
        child.stdin.flush()
        for line in child.stdout:
            if line.startswith("{"):
                return Measured(**json.loads(line))
        raise RuntimeError(f"the {kind} side ended")

    yield answer
    child.stdin.close()
    child.wait(60)


def _site(package: str) -> str:
    import importlib.util

    spec = importlib.util.find_spec(package)
    return str(Path(spec.origin).parent) if spec and spec.origin else ""


def run_child(kind: str, load: Load, spec: EngineSpec) -> None:
    """The other end of `child_side`."""
    answer = bare_engine(spec) if kind == "bare" else offline_engine(spec)
    for line in sys.stdin:
        requests = load.repeat(int(line))
        print(json.dumps(measure(lambda requests=requests: answer(requests)).__dict__), flush=True)  # type: ignore[misc]


def bare_engine(spec: EngineSpec) -> Callable[[list[Request]], int]:
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
        async for output in engine.generate(
            {"prompt_token_ids": tokens_of(tokenizer, request)}, parameters, request.id
        ):
            count = len(output.outputs[0].token_ids)
        return count

    async def answer(requests: list[Request]) -> int:
        return sum(await asyncio.gather(*[one(request) for request in requests]))

    return lambda requests: loop.run_until_complete(answer(requests))


def offline_engine(spec: EngineSpec) -> Callable[[list[Request]], int]:
    """`vllm.LLM` with all requests in one `generate`."""
    from vllm import LLM

    from reasonflux.distributed.sampling import vllm_parameters

    engine = LLM(**engine_arguments(spec, spec.model))
    tokenizer = engine.get_tokenizer()

    def answer(requests: list[Request]) -> int:
        prompts: list[Any] = [{"prompt_token_ids": tokens_of(tokenizer, request)} for request in requests]
        parameters = [vllm_parameters(request.sampling, request.seed) for request in requests]
        outputs = engine.generate(prompts, parameters, use_tqdm=False)
        return sum(len(output.outputs[0].token_ids) for output in outputs)

    return answer


def tokens_of(tokenizer: Any, request: Request) -> list[int]:
    """The chat template's tokens, as the replica makes them."""
    chat = [{"role": message.role, "content": message.content} for message in request.messages]
    text = tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
    return list(tokenizer.encode(text, add_special_tokens=False))
