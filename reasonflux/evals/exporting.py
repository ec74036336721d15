"""A run's samples in the layouts that people have tools for, written benchmark by benchmark."""

from collections.abc import Callable, Iterator, Sequence

from reasonflux.arrow import to_table
from reasonflux.evals.inspect_log import eval_log
from reasonflux.evals.lm_eval_log import file_name, sample_lines
from reasonflux.evals.results import Results
from reasonflux.evals.samples import Sample
from reasonflux.storage.stage import Stage
from reasonflux.storage.store import Store
from reasonflux.storage.tables import to_parquet

FOLDER = "results"


def export(store: Store, samples: Callable[[str], Stage[Sample]], shards: int, results: Results) -> None:
    """Writes every sample of a run below `results/`; done again with equal samples it writes equal bytes.

    Holds one benchmark's samples of one model at a time.
    """
    for model in results.models:
        for benchmark, own in _by_benchmark(samples(model), shards):
            for score in results.scores:
                if (score.benchmark, score.model) != (benchmark, model):
                    continue
                cell = sorted(
                    (sample for sample in own if sample.method == score.method),
                    key=lambda sample: (sample.problem_id, sample.index),
                )
                name = f"{benchmark}/{score.method}"
                store.put(f"{FOLDER}/samples/{model}/{name}.parquet", to_parquet(to_table(Sample, cell)))
                log = file_name(benchmark, score.method, results.started)
                store.put(f"{FOLDER}/lm_eval/{model}/{log}", sample_lines(cell))
                inspected = eval_log(cell, score, results.benchmarks[benchmark], results.started)
                store.put(f"{FOLDER}/inspect/{benchmark}_{score.method}_{model}.eval", inspected)


def _by_benchmark(stage: Stage[Sample], shards: int) -> Iterator[tuple[str, Sequence[Sample]]]:
    """Samples by benchmark: its shards follow one another."""
    waiting: list[Sample] = []
    for shard in range(shards):
        rows = stage.records(shard)
        if waiting and rows and rows[0].benchmark != waiting[0].benchmark:
            yield waiting[0].benchmark, waiting
            waiting = []
        waiting += rows
    if waiting:
        yield waiting[0].benchmark, waiting
