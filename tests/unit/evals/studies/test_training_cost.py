"""What training cost is read off the rows that it made and the manifests that it left."""

import shutil
from pathlib import Path

from reasonflux.evals.studies.training_cost import TrainingCost
from reasonflux.pairs.provenance import Role
from reasonflux.records import Rollout, Trajectory
from reasonflux.rounds.record import RECORD
from reasonflux.storage.store import Store
from tests.unit.evals.studies.builders import record
from tests.unit.rounds.small_run import make_run


def test_every_plan_and_rollout_of_the_navigator_s_rounds_counts_and_no_other_round(tmp_path: Path) -> None:
    run = make_run(tmp_path).run
    stages = (run.stage("trajectories", Trajectory), run.stage("rollouts", Rollout))
    rows = [row for stage in stages for shard in range(3) for row in stage.records(shard)]
    spent = sum(row.usage.prompt_tokens + row.usage.output_tokens for row in rows)
    assert spent > 0
    rounds = Store.at(tmp_path / "rounds")
    for number, role, tokens in ((1, Role.NAVIGATOR, 1000.0), (2, Role.NAVIGATOR, None), (3, Role.REASONER, 500.0)):
        home = tmp_path / "rounds" / f"round-{number}"
        for name in ("pairs", "gate-primary-parent", "gate-primary-candidate"):
            shutil.copytree(tmp_path / "small", home / name)
        rounds.put(f"round-{number}/{RECORD}", record(number, role, tokens).to_bytes())
    cost = TrainingCost.of(rounds)
    assert cost == TrainingCost(rounds=2, generated=2 * spent, judged=4 * spent, learnt=1000)
