"""The main job: problems → trajectories → similar-problem rewards → preference pairs, stage after stage.

The state is the stages' manifests: a stage that has one is done, so a killed run continues where it stopped and a
finished run does nothing. Engines start only when a stage that needs them has rows to do.
"""

import json
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import ray

from reasonflux.config import PairsJob, StreamConfig
from reasonflux.distributed import metrics, stages
from reasonflux.distributed.engine_options import rows_in_flight
from reasonflux.distributed.stages import Bound
from reasonflux.distributed.stream import MapStage, map_rows, over_shards
from reasonflux.errors import Deadline

logger = logging.getLogger(__name__)

STRAGGLING = 8  # lists begun for each that could be in flight whole: most of them wait for their longest answers
CHILDREN = 8  # that grade for one process; more of both where more are asked for
TOGETHER = {"draws": "problem.id", "attempts": "trajectory_id", "rollouts": "trajectory_id"}  # what shares a prefix


@dataclass
class Execution:
    """What this execution of a run did: written beside the run, one file an execution."""

    engines: dict[str, dict[str, int]] = field(default_factory=dict)  # what each had served when it was deleted
    seconds: dict[str, float] = field(default_factory=dict)  # by stage
    rows: dict[str, int] = field(default_factory=dict)  # committed by this execution, by map stage
    output_tokens: dict[str, int] = field(default_factory=dict)  # by map stage
    generating_s: dict[str, float] = field(default_factory=dict)  # by map stage, rows in flight


class Engines(Protocol):
    """What a pipeline asks of the engines that serve its two roles."""

    @property
    def served(self) -> dict[str, dict[str, int]]:
        """What each application had served when it was deleted."""

    def ready(self, role: str, others: tuple[str, ...] = ()) -> str:
        """The application that serves `role`, running, with those of `others` beside it."""

    def stop(self) -> None:
        """They are not needed any more."""


class Pipeline:
    """Runs the stages of one `Bound` in order. Ray must be connected."""

    def __init__(self, bound: Bound, engines: Engines, execution: Execution) -> None:
        self.bound, self.engines, self.execution = bound, engines, execution
        self.config: PairsJob = bound.config

    def pairs(self) -> int:
        """Every stage up to the pairs that has no manifest yet; returns the number of shards."""
        shards = self._verdicts()
        self._each_shard(
            ["rewards", "navigator_pairs", "reasoner_pairs"],
            shards,
            partial(stages.reward_and_pair, self.bound),
            ["similar", "trajectories", "rollouts", "verdicts"],
        )
        return shards

    def scores(self) -> int:
        """The same up to one score a problem, and no pair: these problems are to be trained on by nobody."""
        shards = self._verdicts()
        score = partial(stages.reward_and_score, self.bound)
        self._each_shard(["rewards", "scores"], shards, score, ["problems", "trajectories", "verdicts"])
        return shards

    def _verdicts(self) -> int:
        shards = self._problems()
        self._expand_problems(shards)
        self._map("draws", "trajectories", "navigator", shards)
        self._each_shard(
            ["attempts"], shards, partial(stages.expand_trajectories, self.bound), ["trajectories", "similar"]
        )
        self._map("attempts", "rollouts", "reasoner", shards)
        self.engines.stop()
        self.execution.engines = self.engines.served
        self._map("rollouts", "verdicts", None, shards)
        return shards

    def _problems(self) -> int:
        stage = self.bound.stage("problems")
        done = stage.manifest()
        if done is not None:
            return len(done.shards)
        with self._timed("problems"):
            shards = _get(ray.remote(num_cpus=0.5)(stages.ingest).remote(self.bound), "problems", self.config.stream)
            stage.finish(shards, {})
        self._count_rows("problems")
        return shards

    def _expand_problems(self, shards: int) -> None:
        if self.bound.stage("draws").manifest() is not None:
            return
        with self._timed("draws"):
            build = ray.remote(num_cpus=0.5)(stages.build_similar_index)
            index = build.remote(self.bound, shards)
            _wait(index, "similar", self.config.stream)
            task = partial(_with_index, self.bound, index)
        self._each_shard(["similar", "draws"], shards, task, ["problems"])

    def _each_shard(self, names: list[str], shards: int, task: Callable[[int], Any], inputs: list[str]) -> None:
        """Stages whose shard is one task."""
        last = self.bound.stage(names[-1])
        if last.manifest() is not None:
            return
        with self._timed(names[-1]):
            unsealed = partial(stages.unless_sealed, self.bound, names, task)
            done = over_shards(names[-1], shards, unsealed, self.config.stream.stage_deadline_s)
            for row in done:
                metrics.count_stage(self.config.name, names[-1], json.loads(row["counts"]))
            for name in names:
                self._finish(name, shards, inputs)
                self._count_rows(name)

    def _map(self, source: str, target: str, role: str | None, shards: int) -> None:
        """A stage whose row is one call of a worker: rows first, then every shard is sealed."""
        if self.bound.stage(target).manifest() is not None:
            return
        worker = self._worker(role)
        with self._timed(target):
            stage = MapStage(
                source=self.bound.stage(source),
                target=self.bound.stage(target),
                together=TOGETHER[source],
                stream=self.config.stream,
                **worker,
            )
            progress = map_rows(stage, shards)
            over_shards(
                f"seal {target}",
                shards,
                partial(stages.seal, self.bound, source, target),
                self.config.stream.stage_deadline_s,
            )
            self._finish(target, shards, [source])
        self.execution.rows[target] = progress.rows
        self.execution.output_tokens[target] = progress.output_tokens
        self.execution.generating_s[target] = progress.seconds

    def _worker(self, role: str | None) -> dict[str, Any]:
        """How to make a stage's worker, in how many processes, and what each has at once: fields of `MapStage`."""
        stream, verifier = self.config.stream, self.config.verifier
        if role is None:
            processes = math.ceil(verifier.processes / CHILDREN)
            children = math.ceil(verifier.processes / processes)
            build = partial(stages.VerdictWorker, self.bound, children)
            return {"build": build, "processes": processes, "rows_per_part": stream.rows_per_part * 4}
        if role == "navigator" and self.config.plans != "navigator":
            return {"build": partial(stages.GivenPlansWorker, self.bound), "rows_per_part": stream.rows_per_part}
        others = ("reasoner",) if role == "navigator" else ()
        application = self.engines.ready(role, others)
        maker = stages.navigator_worker if role == "navigator" else stages.reasoner_worker
        spec = self.config.navigator if role == "navigator" else self.config.reasoner_spec
        return {
            "build": partial(maker, self.bound, application),
            "processes": stream.clients,
            "rows_per_part": stream.rows_per_part,
            "parts": STRAGGLING * math.ceil(rows_in_flight(stream, spec) / stream.rows_per_part),
        }

    def _finish(self, name: str, shards: int, inputs: list[str]) -> None:
        digests = {}
        for source in inputs:
            manifest = self.bound.stage(source).manifest()
            digests[source] = manifest.digest if manifest else ""
        self.bound.stage(name).finish(shards, {}, digests)

    def _count_rows(self, name: str) -> None:
        manifest = self.bound.stage(name).manifest()
        metrics.count_stage(self.config.name, name, {"status": {"done": manifest.rows if manifest else 0}})

    def _timed(self, name: str) -> "_Timer":
        return _Timer(self.execution, name)


class _Timer:
    """Adds the seconds of a `with` block to an execution, under a stage's name."""

    def __init__(self, execution: Execution, name: str) -> None:
        self._execution, self._name = execution, name

    def __enter__(self) -> None:
        self._started = time.monotonic()

    def __exit__(self, *_: object) -> None:
        spent = time.monotonic() - self._started
        self._execution.seconds[self._name] = self._execution.seconds.get(self._name, 0.0) + spent


_held: dict[str, Any] = {}  # in a worker's process: the index that it was last given, by its object's id


def _with_index(bound: Bound, index: Any, shard: int) -> dict[str, Any]:
    key = index.hex()
    if key not in _held:  # an index of a million problems takes seconds to unpack, and a process has many shards
        _held.clear()
        _held[key] = ray.get(index)
    return stages.expand_problems(bound, _held[key], shard)


def _wait(ref: Any, what: str, stream: StreamConfig) -> None:
    ready, _ = ray.wait([ref], timeout=stream.stage_deadline_s, fetch_local=False)
    if not ready:
        raise Deadline(
            f"stage {what} did not end within {stream.stage_deadline_s:.0f} s", "Raise stream.stage_deadline_s"
        )


def _get(ref: Any, what: str, stream: StreamConfig) -> Any:
    _wait(ref, what, stream)
    return ray.get(ref)
