"""One training from recipe to checkpoint: check, lock, run the workers, look whether it is really done.

A training is a run like the main job's: `config.yaml`, `lease/`, its rows, `events/`, `checkpoint/`, and
`manifest.json` last. A killed one is gone on with; a finished one is only read.
"""

import json
import logging
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import ray

from reasonflux.configuring import TESTBED_PREFIX, dump_config
from reasonflux.distributed import runtime
from reasonflux.distributed.places import shared_places
from reasonflux.distributed.train_files import FINAL
from reasonflux.distributed.train_preflight import Prepared, check_base, check_store, check_training, inputs_digest
from reasonflux.distributed.train_worker import WorkerJob, work, write_rows
from reasonflux.errors import BadInput, Collapsed, Deadline, ReasonFluxError, TrainingFailed
from reasonflux.storage.lease import Holder, Lease
from reasonflux.storage.manifests import versions
from reasonflux.storage.run import Run
from reasonflux.storage.store import Store
from reasonflux.training.manifest import CheckpointManifest, Source, TrainingRows, read_manifest, verify_checkpoint
from reasonflux.training.recipe import TrainingRecipe

INPUTS = "inputs.json"
ROWS = "rows.parquet"
COLLAPSE = "collapse.json"  # instead of a checkpoint
CHECKPOINTS_KEPT = 1  # of those to resume from

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A finished training."""

    path: str  # directory or URI of the checkpoint
    digest: str  # of its files
    manifest: CheckpointManifest
    seconds: float  # of this call; a finished run is only read

    def to_json(self) -> dict[str, Any]:
        """Plain values, for machines."""
        manifest = self.manifest.model_dump(mode="json", exclude={"recipe"})
        return {"path": self.path, "seconds": round(self.seconds, 1), **manifest}

    def words(self) -> tuple[str, ...]:
        """A few lines for people."""
        figures = ", ".join(f"{name} {value:.4g}" for name, value in sorted(self.manifest.metrics.items()))
        return (
            f"checkpoint: {self.path}",
            f"digest:     {self.digest}",
            f"steps:      {self.manifest.steps_done} in {self.seconds:.0f} s",
            f"at the end: {figures}",
        )


def train(recipe: TrainingRecipe, *, run_name: str | None = None) -> Trained:
    """Trains as `recipe` says, or goes on with it, or returns what a finished run holds; joins a running Ray.

    Raises `BadInput` before a worker is taken, `Collapsed` when the watch stopped it, `TrainingFailed` when steps are
    missing after all restarts, `LeaseHeld` while another driver works on the run.
    """
    started = time.monotonic()
    name = run_name or recipe.name
    config = dump_config(recipe)
    run = Run.at(recipe.output_root, name, config)
    if run.manifest() is not None:
        return _finished(run, started)
    prepared = check_training(recipe)
    base = check_base(prepared)
    root = check_store(recipe)
    runtime.connect()
    runtime.check_shared(shared_places(recipe))
    check_resources(recipe)
    run = Run.open(root.uri, name, config)
    with Lease.acquire(run.store, Holder.current()) as lease:
        _check_same_inputs(run.store, prepared, base)
        if not _already_trained(run.store, prepared):
            if not run.store.exists(ROWS):
                write_rows(run.store, ROWS, list(prepared.data.rows))
            _fit(name, _job(prepared, base, run, lease), prepared)
        path = run.store.child(FINAL).uri
        manifest = _checked(path, prepared)
        lease.check()
        run.finish({"name": name, "checkpoint": manifest.digest, "inputs": inputs_digest(base, prepared.data)})
    return Trained(path=path, digest=manifest.digest, manifest=manifest, seconds=time.monotonic() - started)


def _finished(run: Run, started: float) -> Trained:
    path = run.store.child(FINAL).uri
    manifest = read_manifest(path)
    if manifest is None:
        raise TrainingFailed(f"the finished run {run.store.uri} has no checkpoint", "Give the run another name")
    return Trained(path=path, digest=manifest.digest, manifest=manifest, seconds=time.monotonic() - started)


def _job(prepared: Prepared, base: str, run: Run, lease: Lease) -> WorkerJob:
    recipe, data = prepared.recipe, prepared.data
    manifest = CheckpointManifest(
        digest="",
        parent=Source(source=recipe.base, digest=base),
        data=TrainingRows(source=recipe.data, digest=data.digest, rows=len(data.rows), left_out=dict(data.left_out)),
        recipe=recipe,
        versions=versions(),
        seed=recipe.seed,
        steps_expected=prepared.steps,
        steps_done=0,
        metrics={},
        finished="",
    )
    return WorkerJob(
        recipe=recipe,
        base=recipe.base if recipe.base.startswith(TESTBED_PREFIX) else prepared.base,
        run=run.store,
        fence=lease.fence,
        inputs=inputs_digest(base, data),
        rows=ROWS,
        library=prepared.library,
        manifest=manifest,
    )


def _fit(name: str, job: WorkerJob, prepared: Prepared) -> None:
    """Runs the workers to their end; raises `Collapsed`, and `TrainingFailed` when they died too often."""
    from ray.train import CheckpointConfig, FailureConfig, RunConfig, ScalingConfig, TrainingFailedError
    from ray.train.torch import TorchConfig, TorchTrainer

    workers, root = job.recipe.workers, job.run.uri.rpartition("/")[0]
    trainer = TorchTrainer(
        work,
        train_loop_config={"job": job, "began": time.time()},
        torch_config=TorchConfig(backend="gloo" if workers.device == "cpu" else "nccl"),
        scaling_config=ScalingConfig(
            num_workers=workers.count,
            use_gpu=workers.device == "cuda",
            resources_per_worker={"CPU": workers.cpus} | ({"GPU": workers.gpus} if workers.device == "cuda" else {}),
        ),
        run_config=RunConfig(
            name=name,
            storage_path=root,
            failure_config=FailureConfig(max_failures=job.recipe.restarts),
            checkpoint_config=CheckpointConfig(num_to_keep=CHECKPOINTS_KEPT),
        ),
    )
    try:
        result = _within(trainer.fit, job.recipe.deadline_s, name)
    except TrainingFailedError as error:
        raise _told(error, name) from error
    outcome = result.return_value or {}
    logger.info("training %s: seconds of the first worker: %s", name, outcome.get("seconds"))
    if outcome.get("collapse"):
        job.run.put(COLLAPSE, json.dumps(outcome, sort_keys=True).encode())
        raise _collapsed(name, outcome)


def _within(fit: Any, deadline_s: float, name: str) -> Any:
    done: Future[Any] = Future()

    def attempt() -> None:
        try:
            done.set_result(fit())
        except BaseException as error:  # handed to the caller's thread
            done.set_exception(error)

    threading.Thread(target=attempt, name=f"training {name}", daemon=True).start()
    try:
        return done.result(deadline_s)
    except TimeoutError as error:
        if done.done():
            raise
        raise Deadline(
            f"training {name} is not done after {deadline_s:g} s", "Raise deadline_s and run again: it continues"
        ) from error


def _checked(path: str, prepared: Prepared) -> CheckpointManifest:
    """The finished checkpoint's manifest; raises `TrainingFailed` unless files and steps are what they should be."""
    manifest = read_manifest(path)
    if manifest is None:
        raise TrainingFailed(
            f"the workers ended without a checkpoint at {path}", "See the job's log, then run it again"
        )
    if manifest.steps_done != prepared.steps:
        raise TrainingFailed(
            f"{path} was trained for {manifest.steps_done} steps, expected are {prepared.steps}",
            "Give the run another name and train anew",
        )
    verify_checkpoint(path, manifest.digest)
    return manifest


def _already_trained(store: Store, prepared: Prepared) -> bool:
    """Whether an earlier driver's workers finished; raises `Collapsed` again where the watch had stopped them."""
    collapse = store.get(COLLAPSE)
    if collapse is not None:
        raise _collapsed(store.uri.rpartition("/")[2], json.loads(collapse))
    try:
        _checked(store.child(FINAL).uri, prepared)
    except (TrainingFailed, BadInput):
        return False
    return True


def _check_same_inputs(store: Store, prepared: Prepared, base: str) -> None:
    inputs = {"base": base, "data": prepared.data.digest}
    if not store.create(INPUTS, json.dumps(inputs, sort_keys=True).encode()):
        raise BadInput(
            f"{store.uri} was begun with another base or other data than {prepared.recipe.base} and "
            f"{prepared.recipe.data} hold now",
            "Give this run another name",
        )


def check_resources(recipe: TrainingRecipe) -> None:
    """Raises `BadInput` where the workers of a recipe could never have what they take."""
    there, workers = ray.cluster_resources(), recipe.workers
    for kind, each in (("CPU", workers.cpus), ("GPU", workers.gpus)):
        wanted = each * workers.count
        if wanted > there.get(kind, 0):
            raise BadInput(
                f"{workers.count} workers take {wanted:g} {kind}, the cluster has {there.get(kind, 0):g}",
                f"Set workers.count or workers.{kind.lower()}s, or start more nodes",
            )


def _collapsed(name: str, outcome: dict[str, Any]) -> Collapsed:
    return Collapsed(
        f"training {name} was stopped at step {outcome['steps']}: {outcome['collapse']}",
        "Keep the parent; lower learning_rate, raise dpo.beta or dpo.sft_weight",
    )


def _told(error: BaseException, name: str) -> ReasonFluxError:
    """The project's own error inside what Ray wrapped around it, else one line of the first worker's."""
    failures = getattr(error, "worker_failures", {})
    for failure in [*failures.values(), error]:
        seen: BaseException | None = failure
        while seen is not None:
            if isinstance(seen, ReasonFluxError):
                return seen
            seen = getattr(seen, "cause", None) or seen.__cause__
    lines = [line for line in str(next(iter(failures.values()), error)).splitlines() if line.strip()]
    return TrainingFailed(
        f"training {name} failed, restarts included: {lines[-1] if lines else type(error).__name__}",
        "See the log of the workers; run it again to go on from its last checkpoint",
    )
