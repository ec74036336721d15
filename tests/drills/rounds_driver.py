"""A driver of rounds, engines and training scripted: `python -m tests.drills.rounds_driver CONFIG SCRIPT`.

The training writes an empty checkpoint, another one each round; the engine's script says how right each is. All else
is the real thing. Prints the outcome as one line of JSON, as the job does.
"""

import json
import sys
from pathlib import Path

from benchmarks.performance.scripted_engine import Script, scripted, write_empty_checkpoint
from reasonflux.checkpoints import checkpoint_digest
from reasonflux.configuring import load_config
from reasonflux.distributed.job import run_job
from reasonflux.distributed.rounds import run_rounds
from reasonflux.distributed.training import Trained
from reasonflux.rounds.config import RoundsJob
from reasonflux.training.manifest import CheckpointManifest, Source, TrainingRows
from reasonflux.training.recipe import TrainingRecipe


def write_candidate(directory: Path, seed: int) -> str:
    """The checkpoint that the training of a seed makes; returns its digest."""
    write_empty_checkpoint(directory)
    (directory / "config.json").write_text(json.dumps({"seed": seed}))
    return checkpoint_digest(str(directory))


def train(recipe: TrainingRecipe) -> Trained:
    """What `reasonflux.distributed.training.train` promises, without a step."""
    directory = Path(recipe.output_root) / recipe.name / "checkpoint"
    digest = write_candidate(directory, recipe.seed)
    manifest = CheckpointManifest(
        digest=digest,
        parent=Source(source=recipe.base, digest=recipe.base_digest or ""),
        data=TrainingRows(source=recipe.data, digest="", rows=1, left_out={}),
        recipe=recipe,
        versions={},
        seed=recipe.seed,
        steps_expected=0,
        steps_done=0,
        metrics={},
        finished="",
    )
    return Trained(path=str(directory), digest=digest, manifest=manifest, seconds=0.0)


def main() -> None:
    config, script = sys.argv[1:]
    job = load_config(RoundsJob, config)
    outcome = run_rounds(job, deploy=scripted(Script.model_validate_json(script)), train=train)
    print(json.dumps(outcome.to_json()))


if __name__ == "__main__":
    sys.exit(run_job(main))
