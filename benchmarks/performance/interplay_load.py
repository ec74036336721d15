"""Do many interplays at once keep one engine busy? Running requests as vLLM's scheduler counts them, step by step.

    python -m benchmarks.performance.interplay_load [--problems 1024] [--concurrent 512] [--cap 256] [--rounds 2]

One engine with the testbed's reasoner answers for both roles. Problems of the testbed go through `Interplay`,
`--concurrent` at a time, all through one `Gathering`. While work remains, until fewer problems than `--cap` are
unfinished, running requests are to be at least 90% of the cap; the figure is their mean over time. The repeats (other
problems) share the engine; the first only warms it and is left out.
"""

import argparse
import asyncio
import bisect
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from reasonflux.config import EngineSpec
from reasonflux.configuring import resolve_model
from reasonflux.distributed.engine_client import EngineClient
from reasonflux.distributed.engine_server import EngineServer
from reasonflux.distributed.gathering import Gathering
from reasonflux.library.load import load_library
from reasonflux.library.resolve import Resolver
from reasonflux.protocols import Sampling
from reasonflux.reasoning.methods.interplay import Interplay
from reasonflux.reasoning.methods.tools import Role, Tools
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.records import Solution
from reasonflux.testbed.world import generate_problems

ROOT = Path(__file__).parents[2]
APPLICATION = "interplay-load"
Sample = tuple[float, int, int]  # seconds since 1970 after a step of the engine, requests in it, requests waiting


class CountingServer(EngineServer):
    """The replica, with the scheduler's counts of every step."""

    def __init__(self, spec: EngineSpec, checkpoint: str) -> None:
        from vllm.v1.engine.async_llm import AsyncLLM
        from vllm.v1.metrics.loggers import StatLoggerBase

        samples: list[Sample] = []

        class Counts(StatLoggerBase):
            def __init__(self, vllm_config: Any, engine_index: int = 0) -> None: ...

            def record(self, scheduler_stats: Any, iteration_stats: Any, *others: Any, **more: Any) -> None:
                """vLLM counts after a step, when those that ended in it are gone and none has taken their place."""
                if scheduler_stats is not None:
                    ended = len(iteration_stats.finished_requests) if iteration_stats else 0
                    running = scheduler_stats.num_running_reqs + ended
                    samples.append((time.time(), running, scheduler_stats.num_waiting_reqs))

            def log_engine_initialized(self) -> None: ...

        original = AsyncLLM.from_engine_args

        def with_counts(arguments: Any) -> AsyncLLM:
            return original(replace(arguments, disable_log_stats=False), stat_loggers=[Counts])

        AsyncLLM.from_engine_args = with_counts
        super().__init__(spec, checkpoint)
        self._samples = samples

    async def samples(self) -> list[Sample]:
        """What was counted since the last call."""
        taken = list(self._samples)
        self._samples.clear()
        return taken


def application(options: dict[str, Any], spec: EngineSpec, checkpoint: str) -> Any:
    """As `engine_application`, with counts."""
    from ray import serve

    return serve.deployment(CountingServer, name="engine").options(**options).bind(spec, checkpoint)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One repeat."""

    running: float  # mean over time while work remained, in requests
    above: float  # share of that time with at least 90% of the cap
    tenths: list[float]  # means of running requests over the tenths of that time
    seconds: float  # of the whole repeat
    requests: int
    solved: int  # interplays that ended with an answer
    problems: int


async def interplays(tools: Tools, arguments: argparse.Namespace, repeat: int) -> tuple[list[Solution], list[float]]:
    """Solutions of one repeat, and when each ended."""
    method = Interplay(rounds=arguments.rounds)
    gate, ends = asyncio.Semaphore(arguments.concurrent), []

    async def one(problem: Any) -> Solution:
        async with gate:
            solution = await method(problem, tools)
        ends.append(time.time())
        return solution

    problems = generate_problems(arguments.problems, "training", seed=repeat)
    return list(await asyncio.gather(*[one(problem) for problem in problems])), ends


def measure(tools: Tools, arguments: argparse.Namespace, repeat: int, samples: Callable[[], list[Sample]]) -> Measured:
    """One repeat, from its first request to its last answer."""
    samples()
    started = time.time()
    solutions, ends = asyncio.run(interplays(tools, arguments, repeat))
    busy_until = sorted(ends)[-arguments.cap]  # from here on fewer than the cap are unfinished
    counted, tenth = samples(), (busy_until - started) / 10
    running, above = over_time(counted, started, busy_until, 0.9 * arguments.cap)
    parts = [over_time(counted, started + tenth * part, started + tenth * (part + 1), 0)[0] for part in range(10)]
    return Measured(
        running=running,
        above=above,
        tenths=[round(part, 1) for part in parts],
        seconds=max(ends) - started,
        requests=sum(len(solution.exchanges) for solution in solutions),
        solved=sum(solution.answer is not None for solution in solutions),
        problems=len(solutions),
    )


def over_time(samples: Sequence[Sample], start: float, end: float, least: float) -> tuple[float, float]:
    """Mean of running requests between two moments, and the share of that time with at least `least` of them."""
    moments = [start] + [moment for moment, _, _ in samples if start < moment < end] + [end]
    times = [moment for moment, _, _ in samples]
    total = above = 0.0
    for left, right in pairwise(moments):
        place = bisect.bisect_right(times, left) - 1
        running = samples[place][1] if place >= 0 else 0
        total += running * (right - left)
        above += (running >= least) * (right - left)
    return total / (end - start), above / (end - start)


def report(arguments: argparse.Namespace, repeats: Sequence[Measured]) -> None:
    """Mean and standard error over repeats."""
    for name, values in {
        "running / cap": [one.running / arguments.cap for one in repeats],
        "time with running >= 90% of cap": [one.above for one in repeats],
        "requests/s": [one.requests / one.seconds for one in repeats],
        "interplays/s": [one.problems / one.seconds for one in repeats],
        "requests an interplay": [one.requests / one.problems for one in repeats],
        "with an answer": [one.solved / one.problems for one in repeats],
    }.items():
        error = statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else float("nan")
        print(f"{name:34} {statistics.mean(values):8.3f} ± {error:.3f} (standard error, n = {len(values)})")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in {
        "problems": 1024, "concurrent": 512, "cap": 256, "rounds": 2, "repeats": 3, "threads": 1, "calls": 64
    }.items():  # fmt: skip
        parser.add_argument(f"--{name}", type=int, default=default)
    return parser.parse_args()


def main() -> None:
    import ray
    from ray import serve

    from reasonflux.distributed.engines import deploy_all

    arguments = parsed()
    spec = EngineSpec(
        model=resolve_model("testbed:reasoner"),
        device="cpu",
        dtype="float32",
        max_model_len=512,
        max_num_seqs=arguments.cap,
        kv_cache_gib=1,
        cpus_per_replica=arguments.threads,
    )
    rows_per_call = max(1, 4 * arguments.cap // arguments.calls)  # so that the replica takes `calls` at once
    client = EngineClient(APPLICATION)
    role = Role(generate=Gathering(client.stream, calls=arguments.calls), sampling=Sampling(max_tokens=96))
    library = load_library("testbed")
    tools = Tools(
        navigator=role, reasoner=role, prompts=PromptSet.load(), resolver=Resolver(library), library=library.digest
    )
    with tempfile.TemporaryDirectory(prefix="rf-", ignore_cleanup_errors=True) as directory:
        environment = {"env_vars": {"PYTHONPATH": str(ROOT)}}
        quiet: dict[str, Any] = {"include_dashboard": False, "log_to_driver": False, "_temp_dir": directory}
        ray.init(address="local", num_cpus=8, runtime_env=environment, **quiet)
        deploy_all({APPLICATION: spec}, rows_per_call=rows_per_call, build=application)
        handle = serve.get_app_handle(APPLICATION)
        samples = partial(_taken, handle)
        repeats = [measure(tools, arguments, repeat, samples) for repeat in range(arguments.repeats + 1)]
        for one in repeats:
            print(json.dumps(one.__dict__))
        report(arguments, repeats[1:])
        serve.shutdown()
        ray.shutdown()


def _taken(handle: Any) -> list[Sample]:
    return list(handle.samples.remote().result(timeout_s=60))


if __name__ == "__main__":
    main()
