"""A driver of rounds, engines and training scripted: `python -m tests.drills.rounds_driver CONFIG SCRIPT`.

A config that names a candidate is one of a gate that is asked alone.

The training takes its accelerators and writes an empty checkpoint, another one each round; the engine's script says
how right each is. All else is the real thing. Prints the outcome as one line of JSON, as the job does, with what is
`held` of the accelerators at the end.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import ray
import yaml
from ray.util.placement_group import placement_group, remove_placement_group

from benchmarks.performance.scripted_engine import write_empty_checkpoint
from reasonflux.checkpoints import checkpoint_digest
from reasonflux.configuring import load_config
from reasonflux.distributed.gate_run import run_gate
from reasonflux.distributed.hand_over import GPU, Holder, holders
from reasonflux.distributed.job import JobArguments, run_job
from reasonflux.distributed.rounds import run_rounds
from reasonflux.distributed.training import Trained
from reasonflux.rounds.config import GateJob, RoundsJob
from reasonflux.storage.store import Store
from reasonflux.training.manifest import CheckpointManifest, Source, TrainingRows
from reasonflux.training.recipe import TrainingRecipe
from tests.drills.scripted_driver import engines


def write_candidate(directory: Path, seed: int) -> str:
    """The checkpoint that the training of a seed makes; returns its digest."""
    write_empty_checkpoint(directory)
    (directory / "config.json").write_text(json.dumps({"seed": seed}))
    return checkpoint_digest(str(directory))


def train(recipe: TrainingRecipe) -> Trained:
    """What `reasonflux.distributed.training.train` promises, without a step."""
    take_accelerators(recipe)
    place = Store.at(recipe.output_root).child(recipe.name).child("checkpoint")
    with tempfile.TemporaryDirectory() as directory:
        digest = write_candidate(Path(directory), recipe.seed)
        for file in Path(directory).iterdir():
            place.put(file.name, file.read_bytes())
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
    return Trained(path=place.uri, digest=digest, manifest=manifest, seconds=0.0)


def take_accelerators(recipe: TrainingRecipe) -> None:
    """Takes what the recipe's workers would, in a placement group as Ray Train makes it, and lets go of it."""
    workers = recipe.workers
    if not workers.gpus:
        return
    if held := list(holders(GPU)):
        raise RuntimeError(f"training starts, and still there: {', '.join(map(str, held))}")
    group = placement_group([{"CPU": 0.1, GPU: workers.gpus}] * workers.count)
    if not group.wait(30):
        raise RuntimeError("the accelerators were said to be free, and are not")
    remove_placement_group(group)


def _left() -> list[Holder]:
    """What still holds accelerators, ten seconds after the end at most: Serve does not wait for its last replica."""
    end = time.monotonic() + 10
    while (held := list(holders(GPU))) and time.monotonic() < end:
        time.sleep(0.2)
    return held


def main() -> None:
    config, script = sys.argv[1:]
    deploy = engines(script)
    if "candidate" in yaml.safe_load(Path(config).read_text()):
        JobArguments(plan=False, json=True).show(run_gate(load_config(GateJob, config), deploy=deploy).to_json())
        return
    outcome = run_rounds(load_config(RoundsJob, config), deploy=deploy, train=train)
    held = _left() if ray.is_initialized() else []  # a finished run is only read, without Ray
    JobArguments(plan=False, json=True).show(outcome.to_json() | {"held": list(map(str, held))})


if __name__ == "__main__":
    sys.exit(run_job(main))
