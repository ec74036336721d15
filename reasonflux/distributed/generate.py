"""The main job from config to published pairs: check, lock, run the stages, sum up, publish."""

import time
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from reasonflux.clusters import Cluster
from reasonflux.config import PairsJob
from reasonflux.distributed.engines import deploy_all
from reasonflux.distributed.pipeline import Execution
from reasonflux.distributed.preflight import check_inputs, placed, specs_of
from reasonflux.distributed.publishing import card_facts, pair_dataset
from reasonflux.distributed.run_engines import Deploy, RunEngines
from reasonflux.distributed.running import open_run
from reasonflux.distributed.stages import STAGES, Bound
from reasonflux.distributed.stream import CLIENT_CPUS
from reasonflux.pairs.dataset import CARD
from reasonflux.pairs.summary import RunSummary
from reasonflux.planning import JobPlan, plan_pairs
from reasonflux.storage.manifests import versions
from reasonflux.storage.store import Store

GENERATING = ("trajectories", "rollouts")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a job leaves: its summary, and what this execution of the run did."""

    summary: RunSummary
    execution: Execution
    purity: float | None = None  # share of X_sim in x's family; None where families are unknown

    def to_json(self) -> dict[str, Any]:
        """Plain values, for machines."""
        return self.summary.to_json() | {"execution": asdict(self.execution)}


def generate_pairs(config: PairsJob, deploy: Deploy = deploy_all, lent: RunEngines | None = None) -> Outcome:
    """Runs the main job, or goes on with it; a finished run is only read. See `open_run` for the rest."""
    started = time.monotonic()
    with open_run(config, deploy, lent) as opened:
        bound, execution = opened.bound, opened.pipeline.execution
        shards = opened.pipeline.pairs()
        facts_of_run = card_facts(bound, shards)
        dataset = pair_dataset(bound, shards, facts_of_run)
        home = Store.at(config.output.dataset) if config.output.dataset else bound.run.store
        directory = f"dataset/{dataset.digest}"
        summary = RunSummary(
            counts=facts_of_run.counts,
            margin=config.pairs.margin,
            seconds=time.monotonic() - started,
            generating_s=sum(execution.generating_s.get(stage, 0.0) for stage in GENERATING),
            output_tokens=sum(execution.output_tokens.values()),
            run=bound.run.store.uri,
            dataset=home.child(directory).uri,
        )
        if bound.run.manifest() is None:
            opened.lease.check()
            bound.run.write_metrics(asdict(execution) | {"summary": summary.to_json()})
            bound.run.finish(manifest_of(bound, shards) | {"summary": summary.to_json()})
        if not home.exists(f"{directory}/{CARD}"):  # the card comes last
            home.publish(directory, dataset)  # after the manifest: outsiders, who glob, never see an unfinished run
    return Outcome(summary=summary, execution=execution, purity=facts_of_run.purity)


def plan(config: PairsJob, cluster: Cluster | None = None) -> JobPlan:
    """What `generate_pairs` would do, and where on a described cluster; writes and starts nothing.

    Checks the inputs as the job does, and raises `BadInput` for what the cluster cannot hold. A model that is not on
    this machine need not be reachable: jobs are planned where they are written, too.
    """
    inputs = check_inputs(config)
    job = plan_pairs(config, inputs.problems.problems, inputs.problems.mean_characters, inputs.weights)
    if cluster is None:
        return job
    beside = config.stream.clients * CLIENT_CPUS + config.verifier.processes
    return replace(job, cluster=placed(cluster, specs_of(config), inputs.weights, job.stages, beside))


def manifest_of(bound: Bound, shards: int) -> dict[str, Any]:
    """A run's manifest, written last: what it was made of and what every stage holds."""
    manifests = {name: bound.stage(name).manifest() for name in STAGES}
    return {
        "name": bound.config.name,
        "shards": shards,
        "stages": {name: manifest.digest for name, manifest in manifests.items() if manifest is not None},
        "rows": {name: manifest.rows for name, manifest in manifests.items() if manifest is not None},
        "checkpoints": {"navigator": bound.navigator, "reasoner": bound.reasoner},
        "library": bound.library.digest,
        "prompts": bound.prompts.digest,
        "seed": bound.config.seed,
        "round": bound.config.round,
        "versions": versions(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
