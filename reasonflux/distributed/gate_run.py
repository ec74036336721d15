"""A gate: parent and candidate scored on the same fresh problems, and what is decided by it.

Rounds ask it after each training. `run_gate` asks it alone, about any checkpoint:

    <run>/gate-…-parent/, gate-…-candidate/    scoring runs
    <run>/gate.json                            the decision, with all its numbers
    <run>/manifest.json                        the whole, last
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from reasonflux.configuring import dump_config
from reasonflux.distributed import runtime
from reasonflux.distributed.engines import deploy_all
from reasonflux.distributed.places import shared_places
from reasonflux.distributed.rounds_checks import check_gate
from reasonflux.distributed.run_engines import Deploy, RunEngines
from reasonflux.distributed.scoring import score_problems
from reasonflux.pairs.provenance import Role
from reasonflux.rounds.config import GateJob, RoundsJob, Scoring, Served, Standing, scoring
from reasonflux.rounds.finding import DECISION
from reasonflux.rounds.gate import GateDecision, decide
from reasonflux.rounds.scores import ProblemScore, paired
from reasonflux.storage.lease import Holder, Lease
from reasonflux.storage.manifests import versions
from reasonflux.storage.run import Run, json_bytes

GateScores = Mapping[str, Sequence[ProblemScore]]  # by problem set, the primary one first


@dataclass(frozen=True, kw_only=True)
class GateOutcome:
    """What a gate that was asked alone leaves."""

    run: str  # URI of the run directory
    role: Role
    parent: Served
    candidate: Served
    decision: Mapping[str, Any]  # `GateDecision.to_json`
    seconds: float  # of this session

    def to_json(self) -> dict[str, Any]:
        """Plain values, for machines."""
        return asdict(self)


def run_gate(job: GateJob, deploy: Deploy = deploy_all) -> GateOutcome:
    """Asks a gate about the job's candidate, or goes on with it; a finished run is only read.

    The run is called after the job and the candidate, so that many may be asked about beside the rounds of one config.
    Raises `BadInput` before any engine starts, `LeaseHeld` while another driver works on the run.
    """
    started = time.monotonic()
    start, candidate = check_gate(job)
    name = f"{job.name}-gate-{candidate.digest[:8]}"
    asked = (job.output.root, name, dump_config(job))
    if Run.at(*asked).manifest() is None:
        runtime.connect()
        runtime.check_shared(shared_places(job))
        run = Run.open(*asked)
        engines = RunEngines(run=name, rows_per_call=job.stream.rows_per_part, deploy=deploy, lasting=True)
        with Lease.acquire(run.store, Holder.current()) as lease, engines:
            now, home = start.replaced(job.role, candidate), run.store.uri
            before = gate_scores(job, job.role, job.number, start, "parent", home, engines)
            after = gate_scores(job, job.role, job.number, now, "candidate", home, engines)
            decision = gate_decision(job, job.role, job.number, before, after)
            lease.check()
            run.store.put(DECISION, json_bytes(decision.to_json()))
            run.finish(_manifest(job, start.of(job.role), candidate, decision))
    return _finished(Run.at(*asked), started)


def gate_scores(
    job: RoundsJob, role: Role, lot: int, standing: Standing, who: str, home: str, engines: RunEngines
) -> dict[str, tuple[ProblemScore, ...]]:
    """Scores of what stands on the gate's problems, the `lot`-th of the primary set among them.

    `who` (parent, candidate) and the problem set name the scoring runs, which lie below `home`.
    """
    sets: dict[str, Scoring] = {"primary": job.fresh(role, lot), **job.modules[role].gate.benchmarks}
    return {
        name: score_problems(scoring(job, how, f"gate-{name}-{who}", standing, home), lent=engines)
        for name, how in sets.items()
    }


def gate_decision(job: RoundsJob, role: Role, lot: int, before: GateScores, after: GateScores) -> GateDecision:
    """What follows from the scores of parent and candidate."""
    primary, *others = [paired(name, before[name], after[name]) for name in before]
    return decide(primary, others, job.rules(role), seed=job.seed * 1000 + lot)


def _manifest(job: GateJob, parent: Served, candidate: Served, decision: GateDecision) -> dict[str, Any]:
    return {
        "name": job.name,
        "role": job.role.value,
        "lot": job.number,
        "parent": asdict(parent),
        "candidate": asdict(candidate),
        "promoted": decision.promoted,
        "reason": decision.reason,
        "versions": versions(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _finished(run: Run, started: float) -> GateOutcome:
    """What the files of a finished run say."""
    manifest = run.manifest() or {}
    return GateOutcome(
        run=run.store.uri,
        role=Role(manifest["role"]),
        parent=Served(**manifest["parent"]),
        candidate=Served(**manifest["candidate"]),
        decision=json.loads(run.store.read(DECISION)),
        seconds=time.monotonic() - started,
    )
