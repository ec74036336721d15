"""Reference log-probabilities of DPO computed once and kept as columns of the pairs, so that training holds one model.

The columns are TRL's `ref_chosen_logps` and `ref_rejected_logps`: nats, summed over an answer's tokens.
"""

from collections.abc import Sequence
from typing import Any

from accelerate.utils import gather_object
from trl import DPOTrainer
from trl.models.utils import prepare_deepspeed

from reasonflux.training.data import REFERENCE, REFERENCE_OF
from reasonflux.training.rows import Row

Columns = dict[str, list[float]]


def store(trainer: DPOTrainer) -> Columns:
    """Adds the columns to the trainer's data, computed by the model that it begins with, and returns them.

    Every process of the training calls this before `train`; each does its share, and all get the same columns.
    """
    indices = list(range(len(trainer.train_dataset)))
    share = indices[trainer.accelerator.process_index :: trainer.accelerator.num_processes]
    steps = -(-len(indices) // (trainer.accelerator.num_processes * trainer.args.per_device_train_batch_size))
    size = trainer.args.per_device_train_batch_size
    model = prepare_deepspeed(trainer.model, trainer.accelerator) if trainer.is_deepspeed_enabled else trainer.model
    model.to(trainer.accelerator.device)
    model.eval()
    found: list[tuple[int, float, float]] = []
    for step in range(steps):  # as many in every process: weights that are spread out are gathered together
        part = share[step * size : (step + 1) * size]
        batch = trainer.data_collator([trainer.train_dataset[index] for index in part or indices[:1]])
        batch = {name: value.to(trainer.accelerator.device) for name, value in batch.items()}
        chosen, rejected = trainer.compute_ref_log_probs(model, batch)
        found += zip(part, chosen.tolist(), rejected.tolist(), strict=False)
    model.train()
    everybody = sorted(gather_object(found))
    columns = dict(zip(REFERENCE, ([row[side] for row in everybody] for side in (1, 2)), strict=True))
    for name, values in columns.items():
        trainer.train_dataset = trainer.train_dataset.add_column(name, values)
    return columns


def with_columns(rows: Sequence[Row], columns: Columns, checkpoint: str) -> list[dict[str, Any]]:
    """Rows with the log-probabilities of the checkpoint of that digest, as they are stored."""
    sides = zip(*(columns[name] for name in REFERENCE), strict=True)
    return [
        {**row, **dict(zip(REFERENCE, values, strict=True)), REFERENCE_OF: checkpoint}
        for row, values in zip(rows, sides, strict=True)
    ]
