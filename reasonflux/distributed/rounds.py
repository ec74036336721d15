"""Rounds: generate → reward → pair → train → gate → promote, one model a round, as the schedule says.

    <run>/round-1/pairs/                 the main job's run, with its published pairs
    <run>/round-1/training/              the training's run, with the candidate; the gate's decision beside it
    <run>/round-1/gate-…/                scoring runs of parent and candidate
    <run>/round-1/round.json             what stands after the round; comes last
    <run>/curve/…/                       scoring runs, named after what they score
    <run>/manifest.json                  the whole

The state is what is finished: a killed job does again what had no manifest, and a finished one is only read. Engines
last from round to round and take new checkpoints in place, unless they share their accelerators with training.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from reasonflux.configuring import dump_config
from reasonflux.distributed import runtime
from reasonflux.distributed.engines import deploy_all
from reasonflux.distributed.gate_run import gate_decision, gate_scores
from reasonflux.distributed.generate import Outcome, generate_pairs
from reasonflux.distributed.hand_over import GPU, wait_until_free
from reasonflux.distributed.places import shared_places
from reasonflux.distributed.rounds_checks import check_rounds
from reasonflux.distributed.run_engines import Deploy, RunEngines
from reasonflux.distributed.scoring import score_problems
from reasonflux.distributed.training import Trained, check_resources, train
from reasonflux.errors import Collapsed
from reasonflux.pairs.provenance import Role
from reasonflux.rounds.config import RoundsJob, Served, Standing, generation, scoring, training
from reasonflux.rounds.curve import Point, points
from reasonflux.rounds.finding import DECISION
from reasonflux.rounds.record import RECORD, RoundRecord, read_record, read_records, replayed
from reasonflux.rounds.showing import PICTURES, curve_picture
from reasonflux.storage.lease import Holder, Lease
from reasonflux.storage.manifests import versions
from reasonflux.storage.run import Run, json_bytes
from reasonflux.storage.store import Store
from reasonflux.training.recipe import TrainingRecipe

logger = logging.getLogger(__name__)

Train = Callable[[TrainingRecipe], Trained]


@dataclass(frozen=True, kw_only=True)
class RoundsOutcome:
    """What the rounds leave."""

    run: str  # URI of the run directory
    standing: Standing  # after the last round
    records: tuple[RoundRecord, ...]
    curve: tuple[Point, ...]
    seconds: float  # of this session

    def to_json(self) -> dict[str, Any]:
        """Plain values, for machines."""
        return asdict(self)


def run_rounds(job: RoundsJob, deploy: Deploy = deploy_all, train: Train = train) -> RoundsOutcome:
    """Runs the schedule, or goes on with it; a finished run is only read.

    Raises `BadInput` before any engine starts, `LeaseHeld` while another driver works on the run.
    """
    started = time.monotonic()
    config = dump_config(job)
    run = Run.at(job.output.root, job.name, config)
    if run.manifest() is not None:
        return _finished(run, started)
    start = check_rounds(job)
    runtime.connect()
    runtime.check_shared(shared_places(job))
    for role in set(job.schedule):
        check_resources(job.modules[role].recipe)
    run = Run.open(job.output.root, job.name, config)
    own = RunEngines(run=job.name, rows_per_call=job.stream.rows_per_part, deploy=deploy, lasting=True)
    with Lease.acquire(run.store, Holder.current()) as lease, own as engines:
        records, curve = Rounds(job, start, run.store, engines, train).run()
        standing = start
        for record in records:
            standing = record.after(standing)
        lease.check()
        for name in PICTURES if curve else ():
            run.store.put(name, curve_picture(curve, name.rpartition(".")[2]))
        run.finish(_manifest(job, standing, records, curve))
    return _finished(run, started)


def _finished(run: Run, started: float) -> RoundsOutcome:
    """What the files of a finished run say."""
    manifest = run.manifest() or {}
    return RoundsOutcome(
        run=run.store.uri,
        standing=Standing.read(manifest["standing"]),
        records=tuple(read_records(run.store)),
        curve=tuple(map(Point.read, manifest["curve"])),
        seconds=time.monotonic() - started,
    )


class Rounds:
    """The state machine. Ray must be connected and the run's lease held."""

    def __init__(self, job: RoundsJob, start: Standing, store: Store, engines: RunEngines, train: Train) -> None:
        self._job, self._start, self._store, self._engines, self._train = job, start, store, engines, train

    def run(self) -> tuple[list[RoundRecord], list[Point]]:
        """Every round of the schedule, and the learning curve."""
        records: list[RoundRecord] = []
        standing = self._start
        curve = self._curve(0, standing)
        for number in range(1, len(self._job.schedule) + 1):
            record = read_record(self._store, number) or self._round(number, standing, records)
            records.append(record)
            standing = record.after(standing)
            curve += self._curve(number, standing)
        return records, curve

    def _round(self, number: int, standing: Standing, earlier: Sequence[RoundRecord]) -> RoundRecord:
        """Does a round, and writes its record when all of it is done."""
        home, started = self._store.child(f"round-{number}"), time.monotonic()
        record = self._trained(number, standing, home, earlier)
        record = replace(record, seconds=time.monotonic() - started)
        home.put(RECORD, record.to_bytes())
        logger.info("round %d, %s: %s", number, record.role, record.reason)
        return record

    def _trained(self, number: int, standing: Standing, home: Store, earlier: Sequence[RoundRecord]) -> RoundRecord:
        job, role = self._job, self._job.schedule[number - 1]
        parent = standing.of(role)
        logger.info("round %d trains the %s %s", number, role, parent.digest[:8])
        generated = generate_pairs(generation(job, number, standing, home.uri), lent=self._engines)
        other = standing.of(Role.REASONER if role is Role.NAVIGATOR else Role.NAVIGATOR).digest
        kept = replace(_kept(number, role, parent, generated), other=other)
        if not kept.pairs:
            return replace(kept, reason=f"kept: {kept.problems} problems gave no {role} pair")
        before = gate_scores(job, role, number, standing, "parent", home.uri, self._engines)
        again = replayed(earlier, role, other, job.modules[role].replay)
        try:
            with self._accelerators(number):
                trained = self._train(training(job, number, parent, kept.dataset, home.uri, again))
        except Collapsed as stopped:
            return replace(kept, reason=f"kept: {stopped.what}")
        candidate = Served(model=trained.path, digest=trained.digest)
        now = standing.replaced(role, candidate)
        after = gate_scores(job, role, number, now, "candidate", home.uri, self._engines)
        decision = gate_decision(job, role, number, before, after)
        home.child("training").put(DECISION, json_bytes(decision.to_json()))
        return replace(
            kept,
            candidate=candidate,
            promoted=decision.promoted,
            reason=decision.reason,
            gate=decision.to_json(),
            training=trained.manifest.model_dump(mode="json", exclude={"recipe"}),
        )

    def _curve(self, after_round: int, standing: Standing) -> list[Point]:
        """The curve's points after a round; what no round has changed since it was scored is read."""
        ends = after_round in (0, len(self._job.schedule))
        found: list[Point] = []
        for name, how in self._job.curve.items():
            if how.at == "ends" and not ends:
                continue
            given = how.plans != "navigator"  # the same whichever navigator stands
            asked = standing.replaced(Role.NAVIGATOR, self._start.navigator) if given else standing
            run = f"{name}-{asked.navigator.digest[:8]}-{asked.reasoner.digest[:8]}"
            config = scoring(self._job, how, run, asked, self._store.child("curve").uri)
            found += points(name, after_round, score_problems(config, lent=self._engines), how.plans)
        return found

    @contextmanager
    def _accelerators(self, number: int) -> Iterator[None]:
        """Training's turn: engines that share its accelerators end before it, and it has ended before they start."""
        if self._job.accelerators == "apart":
            yield
            return
        self._engines.stop()
        wait_until_free(GPU, run=self._job.name, amount=self._gpus_of_training(number))
        yield
        wait_until_free(GPU, run=self._job.name)

    def _gpus_of_training(self, number: int) -> float:
        workers = self._job.modules[self._job.schedule[number - 1]].recipe.workers
        return workers.count * workers.gpus


def _kept(number: int, role: Role, parent: Served, generated: Outcome) -> RoundRecord:
    """The record of a round that has generated its pairs, and changed nothing yet."""
    counts = generated.summary.counts
    report = counts.navigator_pairs if role is Role.NAVIGATOR else counts.reasoner_pairs
    return RoundRecord(
        number=number,
        role=role,
        parent=parent,
        problems=counts.problems,
        pairs=report.pairs,
        reward=counts.reward.value,
        purity=generated.purity,
        output_tokens=counts.navigator_tokens.output + counts.reasoner_tokens.output,
        dataset=generated.summary.dataset,
    )


def _manifest(
    job: RoundsJob, standing: Standing, records: Sequence[RoundRecord], curve: Sequence[Point]
) -> dict[str, Any]:
    return {
        "name": job.name,
        "seed": job.seed,
        "standing": asdict(standing),
        "rounds": [{"promoted": record.promoted, "reason": record.reason} for record in records],
        "curve": [asdict(point) for point in curve],
        "versions": versions(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
