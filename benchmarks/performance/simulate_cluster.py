r"""Does the pipeline keep N replicas busy? On real Ray as far as this machine goes, and by a calibrated model beyond.

    python -m benchmarks.performance.simulate_cluster real --replicas 2 4 8 16 --out runs.jsonl
    python -m benchmarks.performance.simulate_cluster error --runs runs.jsonl
    python -m benchmarks.performance.simulate_cluster model --runs runs.jsonl --replicas 1 4 16 64 256 --problems 1000

`real`: the main job with sleeping engines behind the real deployment, a driver of its own a run. `error`: the model's
prediction of those runs, with costs measured in the runs of 4 replicas alone. `model`: the shipped 32B job on replicas
of four A100s; sizes whose stages take too long to simulate row by row are put together from smaller ones (`whole`).
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

os.environ.setdefault("RAY_worker_niceness", "0")  # read when Ray is imported

from benchmarks.performance.cluster_model import Costs, Load, Pool, Ran, Stage
from benchmarks.performance.cluster_prediction import (
    LENGTHS,
    PROMPT,
    calibrate,
    driver_costs,
    errors,
    load_runs,
    most_blocks,
)
from benchmarks.performance.cluster_runs import Measured, Setup, drive, measure
from benchmarks.performance.latency_model import FOUR_A100
from reasonflux.distributed.engine_options import AHEAD

PLANS, ROLLOUTS = 8, 88  # a problem, at most: jobs/configs/a100_32b.yaml
ROWS_PER_PART = 64
REPLICAS_A_CLIENT = 8
MIB_A_PROBLEM = 0.00054  # of the driver's memory: driver_memory.py
# Rows for each place, or in all, that are simulated; of a stage with more, the middle goes on at its rate.
WAVES, SIMULATED = 16, 100_000


@dataclass(frozen=True, kw_only=True)
class Predicted:
    """The generation of a whole job: plans, then rollouts. Seconds of the clock, CPU where it says so."""

    replicas: int
    problems: int
    hours: float
    busy: float  # share of places × seconds, from the first plan's request to the last rollout
    tail_s: float  # of the rollouts
    driver_share: float  # of a core
    driver_mib: float  # at most
    clients: int
    client_share: float  # of a core, each


def cluster(replicas: int) -> Pool:
    """Replicas of four A100s with as many clients as their rows need, as `pipeline` and `stream` would set them up."""
    clients = max(1, replicas // REPLICAS_A_CLIENT)
    rows = int(AHEAD * replicas * FOUR_A100.places / clients)
    return Pool(
        replicas=replicas,
        clients=clients,
        speed=FOUR_A100,
        rows_in_flight=rows,
        rows_per_part=ROWS_PER_PART,
        blocks=most_blocks(rows, ROWS_PER_PART),
    )


def whole(pool: Pool, load: Load, costs: Costs) -> Ran:
    """A stage of any size; of a large one the start and the end are simulated, and the middle goes on at their rate."""
    most = max(SIMULATED, WAVES * pool.replicas * pool.speed.places)
    if load.rows <= most:
        return simulated(pool, load, costs)
    full = simulated(pool, replace(load, rows=most), costs)
    more_s = (load.rows - most) / full.rate
    seconds, longer = full.seconds + more_s, load.rows / most
    return Ran(
        seconds=seconds,
        busy=(full.busy * full.seconds + full.steady * more_s) / seconds,
        working=(full.working * full.seconds + more_s) / seconds,
        tail_s=full.tail_s,
        driver_s=full.driver_s * longer,
        client_s=full.client_s * longer,
    )


@cache
def simulated(pool: Pool, load: Load, costs: Costs) -> Ran:
    """A stage, row by row; the large sizes share theirs."""
    return Stage(pool, load, costs).run()


def generation(replicas: int, problems: int, runs: Sequence[Measured]) -> Predicted:
    """Both stages of the shipped job, and the engines' wait between them, by what runs have measured."""
    pool, costs, (idle, _) = cluster(replicas), calibrate(runs), driver_costs(runs)
    between_s = max(run.between_s for run in runs)
    plans = whole(pool, Load(rows=problems * PLANS, prompt_tokens=PROMPT, lengths=LENGTHS["navigator"]), costs)
    tries = whole(pool, Load(rows=problems * ROLLOUTS, prompt_tokens=PROMPT, lengths=LENGTHS["reasoner"]), costs)
    seconds = plans.seconds + between_s + tries.seconds
    return Predicted(
        replicas=replicas,
        problems=problems,
        hours=seconds / 3600,
        busy=(plans.busy * plans.seconds + tries.busy * tries.seconds) / seconds,
        tail_s=tries.tail_s,
        driver_share=idle + (plans.driver_s + tries.driver_s) / seconds,
        driver_mib=max(run.driver_peak for run in runs) + problems * MIB_A_PROBLEM,
        clients=pool.clients,
        client_share=(plans.client_s + tries.client_s) / seconds / pool.clients,
    )


def run_real(options: argparse.Namespace) -> None:
    """Every size in turn, `--repeats` times; a line of JSON a run."""
    from reasonflux.distributed.local_head import local_head

    for _ in range(options.repeats):
        for replicas in options.replicas:
            setup = Setup(replicas=replicas, problems=options.problems_a_replica * replicas, scale=options.scale)
            with local_head(cpus=8) as head, tempfile.TemporaryDirectory() as directory:
                os.environ["RAY_ADDRESS"] = head.address
                measured = measure(setup, Path(directory))
            with options.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(measured)) + "\n")
            told = measured.stages["reasoner"]
            print(f"{replicas} replicas: busy {told.busy:.3f} of {told.seconds:.0f} s", file=sys.stderr)


def show_error(options: argparse.Namespace) -> None:
    """Prediction beside measurement, stage by stage."""
    print("\n".join(errors(load_runs(options.runs))))


def show_model(options: argparse.Namespace) -> None:
    """The table of busy shares."""
    runs = load_runs(options.runs)
    costs, between_s = calibrate(runs), max(run.between_s for run in runs)
    print(
        f"CPU: {costs.row_s * 1e3:.2f} ms a row, {costs.part_s * 1e3:.1f} ms a part; between stages {between_s:.1f} s"
    )
    print("| problems | replicas | hours | busy | tail, s | driver: core | MiB | clients | core each |")
    print("|---|---|---|---|---|---|---|---|---|")
    for problems in options.problems:
        for replicas in options.replicas:
            told = generation(replicas, problems, runs)
            print(
                f"| {problems:,} | {replicas} | {told.hours:,.2f} | {told.busy:.1%} | {told.tail_s:.0f} "
                f"| {told.driver_share:.1%} | {told.driver_mib:,.0f} | {told.clients} | {told.client_share:.0%} |",
                flush=True,
            )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("real", "error", "model"))
    parser.add_argument("--replicas", type=int, nargs="+", default=[2, 4, 8, 16])
    parser.add_argument("--problems", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--problems-a-replica", type=int, default=70)
    parser.add_argument("--scale", type=float, default=2.0)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--runs", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        drive(options.child)
        return 0
    {"real": run_real, "error": show_error, "model": show_model}[options.what](options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
