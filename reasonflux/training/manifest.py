"""What stands beside a trained checkpoint, and whether a checkpoint is still what its manifest says. No torch here."""

from pydantic import Field, ValidationError

from reasonflux.checkpoints import checkpoint_digest, find_checkpoint
from reasonflux.config import Model
from reasonflux.errors import BadInput
from reasonflux.storage.store import Store
from reasonflux.training.recipe import TrainingRecipe

MANIFEST = "manifest.json"


class Source(Model):
    """Something that a training began with."""

    source: str  # as the recipe names it
    digest: str


class TrainingRows(Source):
    """What it learnt from."""

    rows: int
    left_out: dict[str, int]  # by reason


class CheckpointManifest(Model):
    """`manifest.json` of a checkpoint directory: where the files beside it come from."""

    digest: str  # of the files, see checkpoints.checkpoint_digest
    parent: Source
    data: TrainingRows
    recipe: TrainingRecipe
    versions: dict[str, str]
    seed: int
    steps_expected: int = Field(ge=0)
    steps_done: int = Field(ge=0)
    metrics: dict[str, float]  # the last that were logged
    finished: str  # UTC

    def to_bytes(self) -> bytes:
        """JSON for people and machines."""
        return (self.model_dump_json(indent=1) + "\n").encode()


def read_manifest(place: str) -> CheckpointManifest | None:
    """The manifest of the checkpoint at `place` (directory or URI); None where this job did not make it.

    Raises `BadInput` for one that is damaged.
    """
    if place.startswith("hf://"):
        return None
    data = Store.at(place).get(MANIFEST)
    if data is None:
        return None
    try:
        return CheckpointManifest.model_validate_json(data)
    except ValidationError as error:
        fields = {".".join(map(str, detail["loc"])) for detail in error.errors()}
        if "digest" in fields and "parent" in fields:
            return None  # of another kind, such as the testbed's
        raise BadInput(
            f"{place}/{MANIFEST} is damaged: {', '.join(sorted(fields))[:200]}", "Train the checkpoint anew"
        ) from error


def verify_checkpoint(place: str, expected: str | None = None) -> str:
    """The digest of the checkpoint at `place`, every byte read.

    Raises `BadInput` where it is incomplete, where its manifest names another digest, and where it is not `expected`.
    """
    source = find_checkpoint(place).source
    manifest = read_manifest(source)
    actual = checkpoint_digest(place)
    if manifest is not None and manifest.digest != actual:
        raise BadInput(
            f"the files of {place} have digest {actual}, its manifest says {manifest.digest}",
            "They were changed after training: copy the checkpoint anew",
        )
    if expected is not None and expected != actual:
        raise BadInput(
            f"the base {place} has digest {actual}, base_digest asks for {expected}",
            "Name the base that was meant, or change base_digest",
        )
    return actual
