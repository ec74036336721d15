"""What Serve and the client cost: output tokens/s of lists of requests through Serve ÷ those of bare `AsyncLLM`.

Three sides answer the same requests, one after the other, in the same run, warm, at one priority, on the same cores:

- serve: `EngineClient` lists of `--rows` requests through a Serve application, `--calls` lists in flight;
- bare: vLLM's `AsyncLLM` in one process, all requests at once, with the same engine arguments and environment;
- offline: `vllm.LLM.generate` with its engine in the process, as the outer limit.

Each repeat has prompts of its own (nothing is left in a prefix cache) and goes through the sides in another order, so
that a noisy machine meets all of them. The ratio is taken per repeat; its median, range and a 95% bootstrap interval
of the median are printed, and the CPU time per request that each side spends outside the engine's own process.

    python -m benchmarks.performance.engine_overhead --models tiny medium
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

from benchmarks.performance.engine_sides import MODELS, Load, Measured, Side, child_side, run_child, serve_side
from reasonflux.config import EngineSpec
from reasonflux.distributed.random_model import write_random_model


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
            "serve": stack.enter_context(serve_side(spec, load, rows=options.rows, calls=options.calls)),
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
    """Prints a model's rates, CPU times and ratios; offline, the engine is no process of its own."""
    print(f"\n{model}: {load.requests} requests a repeat, {len(runs['bare'])} repeats, {options.threads} OMP threads")
    for name, measured in runs.items():
        rates = sorted(each.rate for each in measured)
        outside = statistics.median(each.outside_s for each in measured) / load.requests * 1000
        beside = f"{outside:.2f} CPU ms a request outside the engine's process" if name != "offline" else ""
        print(
            f"  {name:8}{statistics.median(rates):7.0f} output tokens/s ({rates[0]:.0f} to {rates[-1]:.0f})  {beside}"
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
