"""Checkpoints to resume from: the digests of their files, written with them and checked before anything is loaded."""

import json
from pathlib import Path

import ray.train

from reasonflux.errors import StorageError
from reasonflux.identity import file_digest
from reasonflux.training.manifest import MANIFEST

FINAL = "checkpoint"  # directory of the trained model in the run
SUMS = "sums-{node}.json"  # what a node wrote: digests by file name, and of which inputs


def write_sums(directory: Path, inputs: str, node: int) -> None:
    """Digests of all files below a directory, beside them."""
    files = (path for path in directory.rglob("*") if path.is_file() and not path.match(SUMS.format(node="*")))
    sums = {path.relative_to(directory).as_posix(): file_digest(path) for path in files}
    (directory / SUMS.format(node=node)).write_text(json.dumps({"inputs": inputs, "files": sums}, sort_keys=True))


def check_sums(directory: Path, inputs: str) -> None:
    """Raises `StorageError` unless every file has the digest that was written, and all are of these inputs.

    Optimizer state is unpickled when it is loaded; this comes first.
    """
    known: dict[str, str] = {}
    sums = sorted(directory.glob(SUMS.format(node="*")))
    for path in sums:
        written = json.loads(path.read_text())
        if written["inputs"] != inputs:
            raise StorageError(
                f"the checkpoint {directory.name} is of another base or data", "Give the run another name"
            )
        known |= written["files"]
    for path in directory.rglob("*"):
        name = path.relative_to(directory).as_posix()
        if path.is_file() and path not in sums and known.pop(name, None) != file_digest(path):
            raise StorageError(f"{name} of the checkpoint to resume from is not what was written", _REMEDY)
    if known or not sums:
        raise StorageError(f"the checkpoint to resume from lacks {min(known, default=SUMS)}", _REMEDY)


_REMEDY = "Give the run another name: nothing is resumed from changed files"


def restore(inputs: str, directory: Path, local_rank: int) -> Path | None:
    """The checkpoint that Ray Train registered last for this very run, copied to `directory` and checked; or None."""
    import torch.distributed as dist

    checkpoint = ray.train.get_checkpoint()
    if checkpoint is None:
        return None
    if local_rank == 0:
        checkpoint.to_directory(str(directory))
        if not (directory / MANIFEST).exists():
            check_sums(directory, inputs)
    dist.barrier()
    return directory
