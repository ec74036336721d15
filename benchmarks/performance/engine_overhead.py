"""What Serve and the client cost: output tokens/s of lists of requests through Serve ÷ those of bare `AsyncLLM`.

Three sides answer the same requests, one after the other, in the same run, warm, at one priority, on the same cores:

- serve: `EngineClient` lists of `--rows` requests through a Serve application, `--calls` lists in flight;
- bare: vLLM's `AsyncLLM` in one process, all requests at once, with the same engine arguments and environment;
- offline: `vllm.LLM.generate` with its engine in the process, as the outer limit.

Each repeat has prompts of its own (nothing is left in a prefix cache) and goes through the sides in another order, so
that a noisy machine meets all of them. The ratio is taken per repeat; its median, range and a 95% bootstrap interval
of the median are printed, and the CPU time per request that each side spends outside the engine's own process.

    python benchmarks/performance/engine_overhead.py --models tiny medium
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import psutil

os.environ.update(RAY_worker_niceness="0")  # read when Ray is imported; else Serve's side runs at nice 15

from reasonflux.config import EngineSpec
from reasonflux.distributed.engine_options import engine_arguments, environment
from reasonflux.distributed.random_model import MEDIUM, TINY, write_random_model
from reasonflux.protocols import Request, Sampling
from reasonflux.records import Message


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
def serve_side(spec: EngineSpec, load: Load, rows: int, calls: int) -> Iterator[Side]:
    """Serve and the client, in this process and a local Ray below it."""
    import ray
    from ray import serve

    from reasonflux.distributed.engine_client import EngineClient
    from reasonflux.distributed.engines import deploy

    with tempfile.TemporaryDirectory(prefix="rf-", ignore_cleanup_errors=True) as directory:
        ray.init(address="local", num_cpus=8, include_dashboard=False, log_to_driver=False, _temp_dir=directory)
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
    command = [sys.executable, __file__, "--child", kind, "--models", model, "--spec", spec.model_dump_json()]
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | variables
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
    """`AsyncLLM` as its documentation uses it: a prompt and parameters in, the final output out."""
    from vllm.engine.arg_utils import AsyncEngineArgs
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


def compare(model: str, options: argparse.Namespace) -> None:
    """Measures one model and prints its table."""
    shape, load = MODELS[model]
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        spec = EngineSpec(
            model=str(write_random_model(directory / model, shape)),
            device="cpu",
            max_model_len=512,
            max_num_seqs=128,
            cpus_per_replica=options.threads,
        )
        sides: dict[str, Side] = {
            "serve": stack.enter_context(serve_side(spec, load, options.rows, options.calls)),
            "bare": stack.enter_context(child_side("bare", model, spec)),
            "offline": stack.enter_context(child_side("offline", model, spec)),
        }
        runs: dict[str, list[Measured]] = {name: [] for name in sides}
        for number in range(-options.warm, options.repeats):
            order = list(sides)
            random.Random(number).shuffle(order)
            for name in order:
                measured = sides[name](number + options.warm)
                print(f"{model} {number} {name} {measured.rate:.0f} tokens/s", file=sys.stderr, flush=True)
                if number >= 0:
                    runs[name].append(measured)
    report(model, load, runs, options)


def report(model: str, load: Load, runs: dict[str, list[Measured]], options: argparse.Namespace) -> None:
    print(f"\n{model}: {load.requests} requests a repeat, {len(runs['bare'])} repeats, {options.threads} OMP threads")
    for name, measured in runs.items():
        rates = sorted(each.rate for each in measured)
        outside = statistics.median(each.outside_s for each in measured) / load.requests * 1000
        print(
            f"  {name:8} {statistics.median(rates):8.0f} output tokens/s ({rates[0]:.0f} to {rates[-1]:.0f}), "
            f"{outside:6.2f} CPU ms a request outside the engine's process"
        )
    for name in ("bare", "offline"):
        ratios = [serve.rate / other.rate for serve, other in zip(runs["serve"], runs[name], strict=True)]
        low, high = bootstrap(ratios)
        print(
            f"  serve ÷ {name}: {statistics.median(ratios):.3f} (95% interval {low:.3f} to {high:.3f}; "
            f"{min(ratios):.3f} to {max(ratios):.3f})"
        )


def bootstrap(values: Sequence[float], draws: int = 2000) -> tuple[float, float]:
    """95% interval of the median."""
    random_ = random.Random(0)
    medians = sorted(statistics.median(random_.choices(values, k=len(values))) for _ in range(draws))
    return medians[int(0.025 * draws)], medians[int(0.975 * draws) - 1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--warm", type=int, default=2, help="repeats before, which do not count")
    parser.add_argument("--rows", type=int, default=64, help="requests of a call")
    parser.add_argument("--calls", type=int, default=8, help="calls in flight")
    parser.add_argument("--threads", type=int, default=1, help="OpenMP threads of each engine")
    parser.add_argument("--child", choices=["bare", "offline"], help=argparse.SUPPRESS)
    parser.add_argument("--spec", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        run_child(options.child, MODELS[options.models[0]][1], EngineSpec.model_validate_json(options.spec))
        return
    print(f"{os.cpu_count()} CPU cores, nice {os.nice(0)}, load {os.getloadavg()[0]:.1f}")
    for model in options.models:
        compare(model, options)


if __name__ == "__main__":
    main()
