"""What the preference loss adds: four trainings on the pairs of one round, from one parent, scored on one problem set.

- eq4: Eq. 4 of arXiv 2502.06772 alone, β 0.5
- eq4+nll: with the likelihood of the chosen plans, as the rounds train
- nll: the likelihood of the chosen plans alone, which is rejection sampling
- inverted: as eq4+nll, with chosen and rejected exchanged

A training that its watch stops is a result, too. Differences to `nll` are paired by problem, with a 95% bootstrap
interval over problems, inside families.

    python -m benchmarks.learning_arms --run runs/testbed-rounds --out runs/arms
"""

import argparse
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from reasonflux.configuring import load_config
from reasonflux.distributed import runtime
from reasonflux.distributed.rounds_checks import starting
from reasonflux.distributed.run_engines import RunEngines
from reasonflux.distributed.scoring import score_problems
from reasonflux.distributed.training import train
from reasonflux.errors import Collapsed
from reasonflux.pairs.provenance import Role
from reasonflux.rounds.config import RoundsJob, Served, Standing, scoring, training
from reasonflux.rounds.record import RECORD, RoundRecord
from reasonflux.rounds.scores import ProblemScore
from reasonflux.statistics import mean_interval
from reasonflux.training.recipe import TrainingRecipe

ARMS: dict[str, dict[str, float]] = {
    "eq4": {"sft_weight": 0.0, "beta": 0.5},
    "eq4+nll": {},
    "nll": {"dpo_weight": 0.0},
    "inverted": {},
}
AGAINST = "nll"
CONTROL = "inverted"
SCORINGS = ("greedy", "sampled")  # of the job's curve
DRAWS = 4  # of the sampled one


def exchange(data: str, directory: Path, which: Callable[[int], bool]) -> str:
    """The navigator's pairs, chosen and rejected exchanged in those rows whose place is in `which`: texts, scores, ids.

    Returns the new data set's place.
    """
    (directory / "navigator").mkdir(parents=True, exist_ok=True)
    count = itertools.count()
    for path in sorted(Path(data).glob("navigator/*.parquet")):
        table = pq.read_table(path)
        rows = [exchanged(row) if which(next(count)) else row for row in table.to_pylist()]
        pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), directory / "navigator" / path.name)
    return str(directory)


def exchanged(row: Mapping[str, Any]) -> dict[str, Any]:
    """One pair the other way round."""
    other = {"chosen": "rejected", "rejected": "chosen"}
    sides = re.compile("|".join(other))
    return {name: row[sides.sub(lambda side: other[side[0]], name)] for name in row} | {"margin": -row["margin"]}


def recipe_of(base: TrainingRecipe, arm: str, data: str, out: Path) -> TrainingRecipe:
    """The round's recipe with the arm's weights; its watch stops none, since every arm is to be scored."""
    assert base.dpo is not None
    name = arm.replace("+", "-")
    watch = base.watch.model_copy(update={"chosen_logprob_drop": None, "least_in_library": None})
    update = {"name": f"train-{name}", "data": data, "output_root": str(out), "watch": watch}
    return base.model_copy(update=update | {"dpo": base.dpo.model_copy(update=ARMS[arm])})


def measure(
    job: RoundsJob, standing: Standing, name: str, out: Path, engines: RunEngines
) -> dict[str, tuple[ProblemScore, ...]]:
    """Scores of one navigator, by scoring."""
    found = {}
    for kind in SCORINGS:
        how = job.curve[kind].model_copy(update={"trajectories": DRAWS} if kind == "sampled" else {})
        config = scoring(job, how, f"{kind}-{name}", standing, str(out))
        found[kind] = tuple(score for score in score_problems(config, lent=engines) if not score.held_out)
    return found


def report(measured: Mapping[str, Mapping[str, Sequence[ProblemScore]]]) -> None:
    """One line an arm and scoring."""
    for kind in SCORINGS:
        against = {score.id: score.score for score in measured[AGAINST][kind]}
        for arm, scores in measured.items():
            ordered = sorted(scores[kind], key=lambda score: score.id)
            strata, means = [score.family for score in ordered], [score.score for score in ordered]
            low, high = mean_interval(means, seed=0, strata=strata)
            gains = [score.score - against[score.id] for score in ordered]
            least, most = mean_interval(gains, seed=0, strata=strata)
            steps = sum(score.steps for score in ordered)
            library = sum(score.in_library for score in ordered) / max(1, steps)
            print(
                f"{kind:8} {arm:9} {sum(means) / len(means):.3f} ({low:.3f} to {high:.3f})  "
                f"against {AGAINST}: {sum(gains) / len(gains):+.3f} ({least:+.3f} to {most:+.3f})  "
                f"in library {library:.1%}  n = {len(means)}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--run", type=Path, required=True, help="run directory of jobs/run_rounds.py, one round or more"
    )
    parser.add_argument("--out", type=Path, required=True, help="where trainings and scores go; an earlier one goes on")
    arguments = parser.parse_args()
    out = arguments.out.absolute()
    job = load_config(RoundsJob, arguments.run / "config.yaml")
    place = arguments.run / "round-1" / RECORD
    record = RoundRecord.parse(place.read_bytes(), str(place))
    runtime.connect()
    recipe = training(job, 1, record.parent, record.dataset, str(out))
    start = starting(job)
    with RunEngines(run="learning-arms", rows_per_call=job.stream.rows_per_part, lasting=True) as engines:
        measured = {"start": measure(job, start, "start", out, engines)}
        for arm in ARMS:
            data = exchange(record.dataset, out / "inverted", lambda place: True) if arm == CONTROL else record.dataset
            try:
                trained = train(recipe_of(recipe, arm, data, out), run_name=f"train-{arm.replace('+', '-')}")
            except Collapsed as stopped:
                print(f"{arm}: {stopped.what}")
                continue
            candidate = start.replaced(Role.NAVIGATOR, Served(model=trained.path, digest=trained.digest))
            measured[arm] = measure(job, candidate, arm.replace("+", "-"), out, engines)
    report(measured)


if __name__ == "__main__":
    main()
