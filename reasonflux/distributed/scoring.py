"""A scoring run: the main job's pipeline up to one score a problem, for gates and learning curves."""

from dataclasses import asdict

from reasonflux.config import PairsJob
from reasonflux.distributed.engines import deploy_all
from reasonflux.distributed.generate import manifest_of
from reasonflux.distributed.run_engines import Deploy, RunEngines
from reasonflux.distributed.running import open_run
from reasonflux.rounds.scores import ProblemScore


def score_problems(
    config: PairsJob, deploy: Deploy = deploy_all, lent: RunEngines | None = None
) -> tuple[ProblemScore, ...]:
    """Scores a navigator and a reasoner on problems, or goes on with it; a finished run is only read.

    One score a problem, ordered by id. Of `config`, everything counts but what is said of pairs. `deploy`, `lent` and
    errors: see `open_run`.
    """
    with open_run(config, deploy, lent) as opened:
        bound, execution = opened.bound, opened.pipeline.execution
        shards = opened.pipeline.scores()
        if bound.run.manifest() is None:
            opened.lease.check()
            bound.run.write_metrics(asdict(execution))
            bound.run.finish(manifest_of(bound, shards))
    scores = (row for shard in range(shards) for row in bound.read("scores", shard))
    return tuple(sorted(scores, key=lambda row: row.id))
