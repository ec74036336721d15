"""Everything that can be known to be wrong with a training before a worker or a GPU is taken.

Each check raises `BadInput` with one line and the remedy. What they learn is what the training and `--plan` go on with.
"""

import importlib.util
import logging
import math
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import fsspec
from rich.table import Table

from reasonflux.checkpoints import ADAPTER, Checkpoint, find_checkpoint
from reasonflux.clusters import Cluster
from reasonflux.configuring import resolve_model
from reasonflux.distributed.places import named_places
from reasonflux.distributed.runtime import check_root
from reasonflux.errors import BadInput
from reasonflux.identity import digest
from reasonflux.library.load import TemplateLibrary, load_library
from reasonflux.planning import CHARACTERS_PER_TOKEN, Weights
from reasonflux.storage.probe import probe
from reasonflux.storage.store import Store
from reasonflux.training.data import TrainingData, usable_rows
from reasonflux.training.manifest import verify_checkpoint
from reasonflux.training.placing import TrainingPlan, plan_training
from reasonflux.training.recipe import TrainingRecipe
from reasonflux.training.rows import SIDES
from reasonflux.training.tokenizing import length_by, load_tokenizer
from reasonflux.uris import check_places

REPORTERS = {"tensorboard": "tensorboardX", "mlflow": "mlflow", "wandb": "wandb"}

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A recipe and what its inputs turned out to be; nothing was started or written to know it."""

    recipe: TrainingRecipe
    base: str  # directory or URI
    weights: Weights  # of the base
    data: TrainingData
    library: TemplateLibrary | None  # where plans are sampled

    @property
    def steps(self) -> int:
        """Optimizer steps that this training has, as transformers counts them."""
        recipe = self.recipe
        batches = math.ceil(math.ceil(len(self.data.rows) / recipe.per_device_batch) / recipe.workers.count)
        return math.ceil(recipe.epochs * max(1, math.ceil(batches / recipe.accumulation)))

    @property
    def tokens(self) -> int:
        """About so many that are computed with, in all epochs: a pair has its prompt twice."""
        texts = (
            message["content"]
            for row in self.data.rows
            for side in SIDES
            if side in row
            for message in (*row["prompt"], *row[side])
        )
        return int(self.recipe.epochs * sum(map(len, texts)) / CHARACTERS_PER_TOKEN)

    def on(self, cluster: Cluster) -> TrainingPlan:
        """Where it would run on a described cluster; raises `BadInput` for what cannot fit there."""
        return plan_training(cluster, self.recipe, self.weights, self.tokens)

    def to_json(self) -> dict[str, Any]:
        """Plain values, for machines."""
        return {
            "name": self.recipe.name,
            "base": self.base,
            "base_bytes": self.weights.bytes,
            "data": self.recipe.data,
            "rows": len(self.data.rows),
            "left_out": dict(self.data.left_out),
            "batch": self.recipe.batch,
            "steps": self.steps,
            "workers": self.recipe.workers.model_dump(),
        }

    def table(self) -> Table:
        """The same for people."""
        table = Table(title=f"{self.recipe.name}: what would be trained", title_justify="left", show_header=False)
        workers = self.recipe.workers
        left_out = ", ".join(f"{count} {reason}" for reason, count in self.data.left_out.items())
        for name, value in (
            ("base", f"{self.base}, {self.weights.bytes:,} bytes"),
            (
                "data",
                f"{self.recipe.data}: {len(self.data.rows):,} rows" + (f"; left out: {left_out}" * bool(left_out)),
            ),
            ("steps", f"{self.steps:,}, {self.recipe.batch} rows each"),
            ("workers", f"{workers.count} × ({workers.gpus:g} GPU + {workers.cpus:g} CPU)"),
        ):
            table.add_row(name, value)
        return table


def check_training(recipe: TrainingRecipe) -> Prepared:
    """Checks a recipe and all that it names but the base's digest; raises `BadInput`."""
    check_places(named_places(recipe))
    check_root("output_root", recipe.output_root)
    _check_reporter(recipe.report_to)
    checkpoint = find_checkpoint(resolve_model(recipe.base))
    if ADAPTER in checkpoint.sizes:
        raise BadInput(f"the base {recipe.base} holds adapters alone", "Train with lora.merge to go on from its result")
    with TemporaryDirectory() as directory:
        tokenizer = load_tokenizer(_tokenizer_files(checkpoint, Path(directory)), recipe.base)
        data = usable_rows(recipe, length_by(tokenizer, recipe.base))
    if data.left_out:
        told = ", ".join(f"{count} {reason}" for reason, count in data.left_out.items())
        logger.info("%s: %d rows to train on; left out: %s", recipe.data, len(data.rows), told)
    library = load_library(recipe.watch.library) if recipe.watch.least_in_library is not None else None
    weights = Weights.of(checkpoint, copied=True)
    return Prepared(recipe=recipe, base=checkpoint.source, weights=weights, data=data, library=library)


def check_base(prepared: Prepared) -> str:
    """The digest of the base, read whole unless it is remote and `base_digest` states it: workers check their copies.

    Raises `BadInput`: another digest than `base_digest` or its manifest says, or log-probabilities of another model.
    """
    recipe, expected = prepared.recipe, prepared.recipe.base_digest
    remote = "://" in prepared.base
    actual = expected if remote and expected else verify_checkpoint(prepared.base, expected)
    stored = prepared.data.reference
    if recipe.dpo and recipe.dpo.stored_reference and stored not in (None, actual):
        raise BadInput(
            f"the log-probabilities in {recipe.data} are of checkpoint {stored}, the base is {actual}",
            "Name data without them, or the base that they are of",
        )
    return actual


def inputs_digest(base: str, data: TrainingData) -> str:
    """What a training began with; a checkpoint to resume from carries it."""
    return digest("training", base, data.digest)


def check_store(recipe: TrainingRecipe) -> Store:
    """The store that holds run directories, written to once; raises `BadInput`."""
    root = Store.at(recipe.output_root)
    probe(root)
    return root


def _check_reporter(report_to: str) -> None:
    package = REPORTERS.get(report_to)
    if package and importlib.util.find_spec(package) is None:
        raise BadInput(f"report_to {report_to} needs the package {package}", "Install it, or set report_to=none")


def _tokenizer_files(checkpoint: Checkpoint, directory: Path) -> Path:
    """A directory with the base's tokenizer, without its weights."""
    if checkpoint.local:
        return Path(checkpoint.source)
    for name in checkpoint.sizes:
        if not name.endswith(".safetensors"):
            with fsspec.open(f"{checkpoint.source}/{name}", "rb") as file:
                (directory / name).write_bytes(file.read())
    return directory
