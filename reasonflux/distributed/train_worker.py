"""What every worker of a training does: one process a device, all of them inside one Ray Train run.

Each start of the workers writes to a directory of its own, made now. The one thing that it may take up from an earlier
start is the checkpoint that Ray Train registered for this run, and of that only files whose digests are right.
"""

import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ray.train

from reasonflux.checkpoints import checkpoint_digest, stage
from reasonflux.configuring import resolve_model
from reasonflux.distributed.train_files import FINAL, restore
from reasonflux.library.load import TemplateLibrary
from reasonflux.storage.fence import Fence
from reasonflux.storage.store import Store
from reasonflux.training.data import REFERENCE_OF
from reasonflux.training.manifest import MANIFEST, CheckpointManifest
from reasonflux.training.recipe import TrainingRecipe
from reasonflux.training.rows import Row

EVENTS = "events"


@dataclass(frozen=True, kw_only=True)
class WorkerJob:
    """What the driver has checked, for the workers to use."""

    recipe: TrainingRecipe
    base: str  # as a worker finds it: testbed:NAME, an absolute directory or a URI
    run: Store
    fence: Fence
    inputs: str  # digest of base and data: a checkpoint of other inputs is never taken up
    rows: str  # file of the run's store
    library: TemplateLibrary | None  # where plans are sampled
    manifest: CheckpointManifest  # as far as it is known before the training


class Clock:
    """Where the seconds of a worker go, by phase."""

    def __init__(self, began: float) -> None:
        """`began`: wall clock when the driver asked for workers."""
        self._last = began
        self.seconds: dict[str, float] = {}

    def lap(self, phase: str) -> None:
        """The phase ends now."""
        now = time.time()
        self.seconds[phase] = round(now - self._last, 2)
        self._last = now


def work(settings: dict[str, Any]) -> dict[str, Any]:
    """Trains, saves, and says what came of it: `steps` done, `seconds`, and `collapse` where the watch stopped it."""
    job: WorkerJob = settings["job"]
    clock = Clock(settings["began"])
    clock.lap("start")
    local_rank = ray.train.get_context().get_local_rank()
    if job.recipe.workers.device == "cpu":
        os.environ["DS_ACCELERATOR"] = "cpu"  # read when DeepSpeed is imported
    place = _own_directory(job, local_rank)
    os.environ["TENSORBOARD_LOGGING_DIR"] = str(place / EVENTS)
    resumed = restore(job.inputs, place / "resumed", local_rank)
    if resumed and (resumed / MANIFEST).exists():
        return {"steps": job.manifest.steps_expected}  # killed between the end and its return
    try:
        return _train(job, place, resumed, clock) | {"seconds": clock.seconds}
    finally:
        if local_rank == 0:
            shutil.rmtree(place, ignore_errors=True)


def _train(job: WorkerJob, place: Path, resumed: Path | None, clock: Clock) -> dict[str, Any]:
    import torch
    from transformers.trainer_callback import TrainerState

    from reasonflux.distributed.train_callbacks import Saver, Uploader
    from reasonflux.training.trainer import build_trainer
    from reasonflux.training.watch import Watcher

    recipe, context = job.recipe, ray.train.get_context()
    if recipe.workers.device == "cpu":
        torch.set_num_threads(max(1, int(recipe.workers.cpus)))
    clock.lap("imports")
    base = stage(resolve_model(job.base), job.manifest.parent.digest)
    rows = read_rows(job.run, job.rows)
    watcher = Watcher(recipe.watch, beta=recipe.dpo.beta if recipe.dpo else None, probe=_probe(job, rows, base))
    saver = Saver(job.fence, job.inputs, context.get_local_rank(), context.get_node_rank(), place.name)
    events = Uploader(job.run, place / EVENTS, EVENTS)
    trainer = build_trainer(recipe, base, rows, place / "trainer", [events, saver])
    _add_reference(job, trainer, rows)
    watcher.measure_lengths(trainer.train_dataset)
    trainer.callback_handler.callbacks.insert(0, watcher)  # before those that report what it adds
    clock.lap("trainer")
    trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
    clock.lap("steps")
    resumed_at = TrainerState.load_from_json(str(resumed / "trainer_state.json")).global_step if resumed else 0
    steps = trainer.state.global_step
    if watcher.collapse:
        return {"steps": steps, "collapse": watcher.collapse, "figures": watcher.figures}
    _publish(job, trainer, base, place / FINAL, {"metrics": watcher.figures, "resumed_at": resumed_at})
    clock.lap("checkpoint")
    return {"steps": steps}


def _add_reference(job: WorkerJob, trainer: Any, rows: Sequence[Row]) -> None:
    """Reference log-probabilities where they are to be stored and the rows have none yet."""
    dpo = job.recipe.dpo
    if dpo is None or not dpo.stored_reference or REFERENCE_OF in rows[0]:
        return
    from reasonflux.training import reference

    columns = reference.store(trainer)
    if trainer.accelerator.is_main_process:
        write_rows(job.run, job.rows, reference.with_columns(rows, columns, job.manifest.parent.digest))


def _publish(job: WorkerJob, trainer: Any, base: Path, directory: Path, facts: dict[str, Any]) -> None:
    """The checkpoint with its manifest, handed to Ray Train, which stores it whole before it is registered."""
    from reasonflux.training.export import export

    export(trainer, job.recipe, base, directory)
    checkpoint, steps = None, trainer.state.global_step
    if trainer.accelerator.is_main_process:
        facts |= {"digest": checkpoint_digest(str(directory)), "steps_done": steps}
        facts["finished"] = datetime.now(UTC).isoformat(timespec="seconds")
        (directory / MANIFEST).write_bytes(job.manifest.model_copy(update=facts).to_bytes())
        job.fence.check()
        checkpoint = ray.train.Checkpoint.from_directory(directory)
    ray.train.report({"steps": steps}, checkpoint=checkpoint, checkpoint_dir_name=FINAL)


def _probe(job: WorkerJob, rows: list[Row], base: Path) -> Any:
    if job.library is None:
        return None
    from transformers import AutoTokenizer

    from reasonflux.library.resolve import Resolver
    from reasonflux.training.sampling import plan_probe
    from reasonflux.training.watch import first_prompts

    watch = job.recipe.watch
    tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True)
    return plan_probe(watch, first_prompts(rows, watch.prompts), tokenizer, Resolver(job.library))


def _own_directory(job: WorkerJob, local_rank: int) -> Path:
    """A directory that did not exist, shared by a node's workers; what earlier starts of the run left is removed."""
    import torch.distributed as dist

    names = [uuid.uuid4().hex[:12]]
    dist.broadcast_object_list(names)
    home = Path(tempfile.gettempdir()) / f"reasonflux-train-{os.getuid()}" / job.inputs
    if local_rank == 0:
        shutil.rmtree(home, ignore_errors=True)
        (home / names[0]).mkdir(parents=True, mode=0o700)
    dist.barrier()
    return home / names[0]


def write_rows(run: Store, name: str, rows: Sequence[Row]) -> None:
    """Rows as one Parquet file of the run, for its workers and for other trainings of the same base."""
    import pyarrow as pa

    from reasonflux.storage.tables import to_parquet

    run.put(name, to_parquet(pa.Table.from_pylist([dict(row) for row in rows])))


def read_rows(run: Store, name: str) -> list[Row]:
    """The inverse of `write_rows`."""
    from io import BytesIO

    import pyarrow.parquet as pq

    rows: list[Row] = pq.read_table(BytesIO(run.read(name))).to_pylist()
    return rows
