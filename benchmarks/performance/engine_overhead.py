"""What Serve, the client and the pipeline cost: output tokens/s through them ÷ those of bare `AsyncLLM`.

Four sides make the same rollouts, one after the other, in the same run, warm, at one priority, on the same cores:

- stage: the main job's rollout stage: Ray Data reads work items from a run directory, calls Serve, commits parts;
- serve: `EngineClient` with lists of `--rows` requests, `--calls` lists in flight;
- bare: vLLM's `AsyncLLM` in one process, all requests at once, with the same engine arguments and environment;
- offline: `vllm.LLM.generate` with its engine in the process, as the outer limit.

Each repeat has problems of its own and goes through the sides in another order, so that a noisy machine meets all of
them; every side starts it with an empty prefix cache, since serve and stage share an engine and see the same prompts.
The ratio is taken per repeat; its median, a 95% bootstrap interval of the median and its range are printed, and the CPU
time per request that each side spends outside the engine's own process.

    python -m benchmarks.performance.engine_overhead --models testbed medium
"""

import argparse
import os
import random
import statistics
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

os.environ.update(RAY_worker_niceness="0")  # read when Ray is imported; else Serve's side runs at nice 15

from benchmarks.performance.engine_load import LOADS, Load, spec_of
from benchmarks.performance.engine_sides import Measured, Side, child_side, ray_sides, run_child
from reasonflux.config import EngineSpec, StreamConfig


def compare(model: str, options: argparse.Namespace) -> None:
    """Measures one model and prints its table."""
    load = LOADS[model]
    stream = StreamConfig(rows_per_part=options.rows, calls_in_flight=options.calls)
    with ExitStack() as stack:
        spec = spec_of(model, Path(stack.enter_context(tempfile.TemporaryDirectory())), options.threads)
        sides: dict[str, Side] = dict(stack.enter_context(ray_sides(spec, load, stream)))
        for kind in ("bare", "offline"):
            sides[kind] = stack.enter_context(child_side(kind, model, spec))
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
    """Prints a model's rates, CPU times and ratios; offline, the engine is no process of its own."""
    tokens = statistics.mean(each.tokens for each in runs["bare"]) / load.rollouts
    print(
        f"\n{model}: {len(runs['bare'])} repeats of {load.rollouts} requests, {tokens:.0f} output tokens each, "
        f"{options.threads} OpenMP thread(s)"
    )
    for name, measured in runs.items():
        rates = sorted(each.rate for each in measured)
        outside = statistics.median(each.outside_s for each in measured) / load.rollouts * 1000
        beside = f"{outside:.2f} CPU ms a request outside the engine's process" if name != "offline" else ""
        print(
            f"  {name:8}{statistics.median(rates):7.0f} output tokens/s ({rates[0]:.0f} to {rates[-1]:.0f})  {beside}"
        )
    for above in ("stage", "serve"):
        for below in ("bare", "offline"):
            ratios = [one.rate / other.rate for one, other in zip(runs[above], runs[below], strict=True)]
            low, high = bootstrap(ratios)
            print(
                f"  {above} ÷ {below}: {statistics.median(ratios):.3f} (95% interval {low:.3f} to {high:.3f}; "
                f"range {min(ratios):.3f} to {max(ratios):.3f})"
            )


def bootstrap(values: Sequence[float], draws: int = 2000) -> tuple[float, float]:
    """95% interval of the median."""
    random_ = random.Random(0)
    medians = sorted(statistics.median(random_.choices(values, k=len(values))) for _ in range(draws))
    return medians[int(0.025 * draws)], medians[int(0.975 * draws) - 1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=LOADS, default=list(LOADS))
    parser.add_argument("--repeats", type=int, default=11)
    parser.add_argument("--warm", type=int, default=2, help="repeats before, which do not count")
    parser.add_argument("--rows", type=int, default=64, help="requests of a call")
    parser.add_argument("--calls", type=int, default=8, help="calls in flight")
    parser.add_argument("--threads", type=int, default=1, help="OpenMP threads of each engine")
    parser.add_argument("--child", choices=["bare", "offline"], help=argparse.SUPPRESS)
    parser.add_argument("--spec", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        run_child(options.child, options.models[0], EngineSpec.model_validate_json(options.spec))
        return
    print(f"{os.cpu_count()} CPU cores, nice {os.nice(0)}, load {os.getloadavg()[0]:.1f}", flush=True)
    for model in options.models:
        compare(model, options)


if __name__ == "__main__":
    main()
