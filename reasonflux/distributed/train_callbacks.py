"""What a worker adds to TRL's trainer: checkpoints handed to Ray Train, and files copied beside the run.

Loads transformers; imported inside workers only.
"""

import time
from pathlib import Path
from typing import Any

import ray.train
from transformers.trainer_callback import TrainerCallback, TrainerControl, TrainerState
from transformers.training_args import TrainingArguments

from reasonflux.distributed.train_files import write_sums
from reasonflux.storage.fence import Fence
from reasonflux.storage.store import Store

UPLOAD_EVERY_S = 15.0


class Saver(TrainerCallback):
    """Hands every checkpoint of the trainer to Ray Train, with the digests of its files."""

    def __init__(self, fence: Fence, inputs: str, local_rank: int, node: int, start: str) -> None:
        """`start` tells this start of the workers from others: no directory is written twice."""
        self._fence, self._inputs, self._local_rank, self._node, self._start = fence, inputs, local_rank, node, start

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> TrainerControl:
        """Nothing is resumed after the last step."""
        if state.global_step >= state.max_steps:
            control.should_save = False
        return control

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """In every process, at the same step."""
        import torch.distributed as dist

        assert args.output_dir is not None
        directory = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        dist.barrier()  # all files of this node are there
        checkpoint = None
        if self._local_rank == 0:
            self._fence.check()
            write_sums(directory, self._inputs, self._node)
            checkpoint = ray.train.Checkpoint.from_directory(directory)
        name = f"step-{state.global_step:08d}-{self._start}"
        ray.train.report({"step": state.global_step}, checkpoint=checkpoint, checkpoint_dir_name=name)


class Uploader(TrainerCallback):
    """Copies the files of a local directory beside the run while they grow."""

    def __init__(self, run: Store, directory: Path, name: str) -> None:
        self._run, self._directory, self._name = run, directory, name
        self._last = time.monotonic()

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Every now and then."""
        if time.monotonic() - self._last > UPLOAD_EVERY_S:
            self._upload(state)

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """What led to a checkpoint lies beside it."""
        self._upload(state)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Once more, whole."""
        self._upload(state)

    def _upload(self, state: TrainerState) -> None:
        self._last = time.monotonic()
        if state.is_world_process_zero and self._directory.is_dir():
            for path in self._directory.rglob("*"):
                if path.is_file():
                    self._run.put(f"{self._name}/{path.relative_to(self._directory)}", path.read_bytes())
