"""What measured runs say of the pipeline's own costs, and what the model says of those runs."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.performance.cluster_model import Costs, Load, Pool, Ran, Stage
from benchmarks.performance.cluster_runs import Measured, Setup, StageRun
from benchmarks.performance.latency_model import FOUR_A100
from benchmarks.performance.sleeping_engine import TimedScript
from reasonflux.distributed.pipeline import STRAGGLING
from reasonflux.distributed.stream import blocks

CALIBRATED_AT = 4  # replicas
LENGTHS = {"navigator": TimedScript().plan, "reasoner": TimedScript().solution}
PROMPT = TimedScript().prompt_tokens
SEEDS = 5  # predictions of one run


def load_runs(path: Path) -> list[Measured]:
    """What `simulate_cluster real` wrote."""
    runs = []
    for line in path.read_text().splitlines():
        told = json.loads(line)
        stages = {role: StageRun(**stage) for role, stage in told["stages"].items()}
        runs.append(Measured(**told | {"setup": Setup(**told["setup"]), "stages": stages}))
    return runs


def calibrate(runs: Sequence[Measured], scale: float | None = None) -> Costs:
    """Costs of the pipeline's own processes in the runs of `CALIBRATED_AT` replicas.

    With `scale` for a machine of two cores, whose seconds are so many simulated ones; else for one on which clients
    have their own cores and engines theirs.
    """
    stages = [stage for run in runs if run.setup.replicas == CALIBRATED_AT for stage in run.stages.values()]
    rows = sum(stage.rows for stage in stages)
    _, part_s = driver_costs(runs)
    clients_s = sum(stage.client_s for stage in stages) / rows
    if scale is None:
        return Costs(row_s=clients_s, part_s=part_s)
    beside = sum(stage.replica_s for stage in stages) / rows
    return Costs(row_s=(clients_s + beside) * scale, part_s=part_s * scale, call_s=0.01 * scale, cores=2)


def driver_costs(runs: Sequence[Measured]) -> tuple[float, float]:
    """Share of a core that a driver takes while it waits, and CPU seconds of a part: least squares over all stages."""
    stages = [(run.setup, stage) for run in runs for stage in run.stages.values()]
    causes = [[stage.seconds / setup.scale, stage.rows / setup.rows_per_part] for setup, stage in stages]
    found, *_ = np.linalg.lstsq(np.array(causes), np.array([stage.driver_s for _, stage in stages]), rcond=None)
    return max(0.0, float(found[0])), max(0.0, float(found[1]))


def most_blocks(rows_in_flight: int, rows_per_part: int) -> int:
    """At how many blocks a client of the pipeline works."""
    return blocks(STRAGGLING * math.ceil(rows_in_flight / rows_per_part))


def predict(run: Measured, costs: Costs, seed: int) -> dict[str, Ran]:
    """What the model says of a run, by role."""
    setup = run.setup
    pool = Pool(
        replicas=setup.replicas,
        clients=setup.clients,
        speed=FOUR_A100.model_copy(update={"places": setup.places}),
        rows_in_flight=setup.rows_in_flight,
        rows_per_part=setup.rows_per_part,
        blocks=most_blocks(setup.rows_in_flight, setup.rows_per_part),
    )
    return {
        role: Stage(pool, Load(rows=stage.rows, prompt_tokens=PROMPT, lengths=LENGTHS[role]), costs, seed).run()
        for role, stage in run.stages.items()
    }


def errors(runs: Sequence[Measured]) -> list[str]:
    """A line for each size and stage: measured and predicted, means with the least and the most of each."""
    costs = calibrate(runs, runs[0].setup.scale)
    lines = [f"costs, simulated seconds: {costs.row_s:.4f} a row, {costs.part_s:.4f} a part"]
    for replicas in sorted({run.setup.replicas for run in runs}):
        same = [run for run in runs if run.setup.replicas == replicas]
        model = [predict(same[0], costs, seed) for seed in range(SEEDS)]
        for role in LENGTHS:
            real, ran = [run.stages[role] for run in same], [each[role] for each in model]
            seconds, said = [each.seconds for each in real], [each.seconds for each in ran]
            busy, thought = [each.busy for each in real], [each.busy for each in ran]
            longer, busier = _mean(said) / _mean(seconds) - 1, _mean(thought) - _mean(busy)
            lines.append(
                f"{replicas:3} replicas, {role:9}, {real[0].rows:6,} rows, n {len(real)}: "
                f"seconds {_spread(seconds, '.0f')}, model {_spread(said, '.0f')}, {longer:+.1%}; "
                f"busy {_spread(busy, '.3f')}, model {_spread(thought, '.3f')}, {busier:+.3f}"
            )
        peaks, spent = [run.driver_peak for run in same], [run.driver_s for run in same]
        rows = sum(stage.rows for stage in same[0].stages.values())
        clients = [1000 * sum(stage.client_s for stage in run.stages.values()) / rows for run in same]
        lines.append(
            f"{'':14}driver {_spread(peaks, '.0f')} MiB at most, {_spread(spent, '.1f')} s of CPU in all; "
            f"clients {_spread(clients, '.2f')} ms of CPU a row"
        )
    return lines


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _spread(values: Sequence[float], form: str) -> str:
    return f"{_mean(values):{form}} ({min(values):{form}} – {max(values):{form}})"
