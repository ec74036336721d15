"""A round with real engines and a real training learns; the gate lets nothing pass that has learnt nothing.

One Ray, one pair of engines, one small round; then two more candidates for the same gate.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.learning_arms import exchange
from reasonflux.checkpoints import checkpoint_digest, stage
from reasonflux.configuring import load_config
from reasonflux.distributed import runtime
from reasonflux.distributed.gate_run import gate_decision, gate_scores
from reasonflux.distributed.local_head import LocalHead
from reasonflux.distributed.rounds import Rounds
from reasonflux.distributed.rounds_checks import starting
from reasonflux.distributed.run_engines import RunEngines
from reasonflux.distributed.training import train
from reasonflux.pairs.provenance import Role
from reasonflux.rounds.config import RoundsJob, Served, training
from reasonflux.rounds.gate import GateDecision
from reasonflux.rounds.record import RoundRecord
from reasonflux.storage.store import Store

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
OVERRIDES = [
    "navigator.replicas=1",
    "reasoner.replicas=1",
    "schedule=[navigator]",
    "modules.navigator.problems.count=54",
    "modules.navigator.gate.primary.problems.limit=108",
    "modules.navigator.gate.rules.alpha=0.001",  # the share of equal candidates that are promoted: a test may not
]
NOISE = 0.5  # of each weight tensor's own spread


@dataclass(frozen=True, kw_only=True)
class Learning:
    """One finished round, and engines that still run."""

    job: RoundsJob
    home: Path
    engines: RunEngines
    record: RoundRecord

    def gate(self, candidate: Served, name: str) -> GateDecision:
        """The round's own gate asked about another candidate; the parent's scores are those of the round."""
        start = starting(self.job)
        before, after = (
            gate_scores(self.job, Role.NAVIGATOR, 1, standing, who, str(self.home), self.engines)
            for who, standing in (("parent", start), (name, start.replaced(Role.NAVIGATOR, candidate)))
        )
        return gate_decision(self.job, Role.NAVIGATOR, 1, before, after)


@pytest.fixture(scope="module")
def learning(head: LocalHead, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Learning]:
    import ray

    root = tmp_path_factory.mktemp("learning")
    config = ROOT / "jobs/configs/rounds/testbed.yaml"
    job = load_config(RoundsJob, config, [*OVERRIDES, f"output.root={root}"]).model_copy(update={"curve": {}})
    runtime.connect()
    start = starting(job)
    with RunEngines(run=job.name, rows_per_call=job.stream.rows_per_part, lasting=True) as engines:
        (record,), _ = Rounds(job, start, Store.at(str(root)), engines, train).run()
        yield Learning(job=job, home=root / "round-1", engines=engines, record=record)
    ray.shutdown()  # the connection of this process; other drills start drivers of their own


def test_a_round_of_the_navigator_on_the_testbed_is_promoted(learning: Learning) -> None:
    assert learning.record.promoted, learning.record.reason


def test_the_gate_refuses_a_checkpoint_trained_on_shuffled_preferences(learning: Learning, tmp_path: Path) -> None:
    coin = random.Random(0)
    data = exchange(learning.record.dataset, tmp_path / "shuffled", lambda place: coin.random() < 0.5)
    recipe = training(learning.job, 1, learning.record.parent, data, str(tmp_path))
    trained = train(recipe.model_copy(update={"watch": recipe.watch.model_copy(update={"least_in_library": None})}))
    decision = learning.gate(Served(model=trained.path, digest=trained.digest), "shuffled")
    assert not decision.promoted, decision.reason
    learnt = learning.record.gate
    assert learnt is not None, learning.record.reason
    assert decision.primary.difference < 0.75 * learnt["primary"]["difference"]


def test_the_gate_refuses_a_damaged_checkpoint(learning: Learning, tmp_path: Path) -> None:
    candidate = learning.record.candidate
    assert candidate is not None, learning.record.reason
    damage(stage(candidate.model, candidate.digest), tmp_path / "damaged")
    damaged = str(tmp_path / "damaged")
    decision = learning.gate(Served(model=damaged, digest=checkpoint_digest(damaged)), "damaged")
    assert not decision.promoted, decision.reason
    assert decision.primary.high < 0, "worse than its parent"


def damage(checkpoint: Path, directory: Path) -> None:
    """A copy of a checkpoint with noise on every weight."""
    import shutil

    import torch
    from safetensors.torch import load_file, save_file

    shutil.copytree(checkpoint, directory)
    weights = load_file(directory / "model.safetensors")
    noise = torch.Generator().manual_seed(0)
    for name, weight in weights.items():
        weights[name] = weight + NOISE * weight.std() * torch.randn(weight.shape, generator=noise)
    save_file(weights, directory / "model.safetensors", metadata={"format": "pt"})
