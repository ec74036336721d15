"""The tokens that a run of rounds spent on its navigator."""

from dataclasses import dataclass

from reasonflux.pairs.provenance import Role
from reasonflux.records import Record, Rollout, Trajectory
from reasonflux.rounds.record import read_records
from reasonflux.storage.run import Run
from reasonflux.storage.store import Store

SPENDING: dict[str, type] = {"trajectories": Trajectory, "rollouts": Rollout}
LEARNT = "num_tokens"  # of a training's last log


@dataclass(frozen=True, kw_only=True)
class TrainingCost:
    """Prompt and output tokens of both roles, over all rounds of the navigator, kept or not."""

    rounds: int
    generated: int  # plans and rollouts that the pairs were made of
    judged: int  # plans and rollouts of the gates
    learnt: int  # tokens that the training read, every epoch counted

    @property
    def total(self) -> int:
        """All of them, as if a token cost the same whatever is done with it."""
        return self.generated + self.judged + self.learnt

    @classmethod
    def of(cls, rounds: Store) -> "TrainingCost":
        """Out of a run directory of `jobs/run_rounds.py`."""
        generated = judged = learnt = count = 0
        for record in read_records(rounds):
            if record.role is not Role.NAVIGATOR:
                continue
            home = f"round-{record.number}"
            count += 1
            generated += tokens_of(Run(rounds.child(home, "pairs")))
            names = {name.split("/")[1] for name in rounds.list(f"{home}/gate-")}
            judged += sum(tokens_of(Run(rounds.child(home, name))) for name in sorted(names))
            learnt += round(record.training.get("metrics", {}).get(LEARNT, 0))
        return cls(rounds=count, generated=generated, judged=judged, learnt=learnt)


def tokens_of(run: Run) -> int:
    """What the plans and rollouts of a run of the main job's pipeline cost."""
    return sum(_spent(run, name, record) for name, record in SPENDING.items())


def _spent(run: Run, name: str, record: type[Record]) -> int:
    stage = run.stage(name, record)
    manifest = stage.manifest()
    total = 0
    for shard in range(len(manifest.shards)) if manifest else ():
        for usage in stage.read(shard, ["usage"])["usage"].to_pylist():
            total += usage["prompt_tokens"] + usage["output_tokens"]
    return total
