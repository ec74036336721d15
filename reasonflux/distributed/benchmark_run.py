"""A benchmark run from suite to results: check, lock, expand, solve model after model, grade, score, export.

The state is the stages' manifests, as in the main job: a killed run goes on, a finished one is only read. Engines are
shared between models that name the same spec, and given up when no later model needs them.
"""

import json
import logging
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from reasonflux.config import EngineSpec
from reasonflux.configuring import dump_config
from reasonflux.distributed import benchmarking, runtime
from reasonflux.distributed.benchmark_checks import JUDGE, Checked, engine_keys, specs_of
from reasonflux.distributed.benchmarking import Bound
from reasonflux.distributed.engine_options import rows_in_flight
from reasonflux.distributed.engines import deploy_all, known_digest
from reasonflux.distributed.places import shared_places
from reasonflux.distributed.run_engines import Deploy, RunEngines
from reasonflux.distributed.stream import PARTS, MapStage, map_rows, over_shards
from reasonflux.evals.exporting import export
from reasonflux.evals.results import Cost, Results, read_marks
from reasonflux.evals.suite import BenchmarkJob
from reasonflux.rewards.judge import check_judge, judge_prompts
from reasonflux.storage.lease import Holder, Lease
from reasonflux.storage.probe import probe
from reasonflux.storage.run import Run
from reasonflux.storage.store import Store

logger = logging.getLogger(__name__)

STARTED = "started.json"
ROWS_PER_CALL = 8  # of a usual one: conversations ask for a few completions at a time, and many calls are under way


def run_benchmarks(suite: Checked, deploy: Deploy = deploy_all) -> Results:
    """Runs a suite, or goes on with it; a finished run is only read. `deploy` starts the engines.

    Raises `BadInput` before any engine starts, `LeaseHeld` while another driver works on the run.
    """
    config = suite.config
    root = Store.at(config.output.root)
    probe(root)
    checkpoints = {key: known_digest(spec) for key, spec in specs_of(config).items()}
    systems = suite.systems(checkpoints)
    judge = config.judge if isinstance(config.judge, str) else checkpoints.get(JUDGE, "")
    check_judge(judge, [digest for system in systems.values() for digest in (system.navigator, system.reasoner)])
    run = Run.at(root.uri, config.name, dump_config(config))
    if run.manifest() is not None:
        return Results.read(run)
    suite.problems()  # read before Ray starts: what is wrong with a set is told at once
    runtime.connect()
    runtime.check_shared(shared_places(config))
    run = Run.open(root.uri, config.name, dump_config(config))
    with Lease.acquire(run.store, Holder.current()) as lease:
        bound = Bound(
            config=config,
            run=run,
            fence=lease.fence,
            systems=systems,
            judge=judge,
            judge_prompts=judge_prompts() if judge else None,
        )
        started = _started(run)
        job = _Job(bound, checkpoints, deploy)
        shards = job.expand(suite)
        job.solve(shards)
        job.grade(shards)
        marks = [mark for model in config.models for mark in read_marks(bound.samples(model), shards)]
        results = Results.of(config, suite.facts(), bound.systems, marks, job.costs(), started)
        export(run.store, bound.samples, shards, results)
        lease.check()
        results.write(run)
        run.finish({"name": config.name, "shards": shards, "seed": config.seed, "results": results.digest})
    return results


@dataclass
class _Job:
    """The stages of one run, in order."""

    bound: Bound
    checkpoints: Mapping[str, str]
    deploy: Deploy

    def expand(self, suite: Checked) -> int:
        """Every model's trials; returns the number of shards, equal for all models."""
        bound, shards = self.bound, 0
        for model in bound.config.models:
            stage = bound.trials(model)
            done = stage.manifest()
            if done is not None:
                shards = len(done.shards)
                continue
            shards = 0
            for benchmark, problems in benchmarking.chunks(bound, suite.problems()):
                stage.put_shard(shards, benchmarking.expand_trials(bound, model, benchmark, problems))
                shards += 1
            stage.finish(shards, {})
        return shards

    def solve(self, shards: int) -> None:
        """Every model's solutions, one model's engines after the other's."""
        config = self.bound.config
        waiting = [model for model in config.models if self.bound.solutions(model).manifest() is None]
        with self._engines() as engines:
            for place, model in enumerate(waiting):
                keys = engine_keys(config, model)
                own = [key for key in dict.fromkeys(keys) if key in engines.specs]
                if own:
                    engines.ready(own[0], tuple(own[1:]))
                named = [engines.name(key) if key in own else key for key in keys]
                build = partial(benchmarking.solving_worker, self.bound, model, *named)
                started = time.monotonic()
                stage = self._stage(model, graded=False, build=build)
                progress = map_rows(stage, shards)
                self._seal(model, shards, graded=False)
                cost = Cost.of(
                    [engines.specs[key] for key in own],
                    seconds=time.monotonic() - started,
                    solutions=progress.rows,
                    output_tokens=progress.output_tokens,
                )
                self.bound.run.store.put(f"cost/{model}/{self.bound.fence.token:08d}.json", cost.to_bytes())
                later = {key for other in waiting[place + 1 :] for key in engine_keys(config, other)}
                engines.stop(keep=later & engines.specs.keys())

    def grade(self, shards: int) -> None:
        """Every model's samples; the judge's engine runs as long as there is something to grade."""
        config = self.bound.config
        waiting = [model for model in config.models if self.bound.samples(model).manifest() is None]
        with self._engines() as engines:
            judging = config.judge if isinstance(config.judge, str) else None
            if isinstance(config.judge, EngineSpec) and waiting:
                judging = engines.ready(JUDGE)
            for model in waiting:
                build = partial(benchmarking.grading_worker, self.bound, model, judging)
                map_rows(self._stage(model, graded=True, build=build), shards)
                self._seal(model, shards, graded=True)

    def costs(self) -> dict[str, Cost]:
        """What each model's solving cost, over all executions that ended it or were ended in it."""
        store = self.bound.run.store
        return {
            model: Cost.sum(json.loads(store.read(path)) for path in store.list(f"cost/{model}/"))
            for model in self.bound.config.models
        }

    def _engines(self) -> RunEngines:
        config = self.bound.config
        return RunEngines(
            run=config.name,
            specs=specs_of(config),
            checkpoints=self.checkpoints,
            rows_per_call=ROWS_PER_CALL,
            deploy=self.deploy,
        )

    def _stage(self, model: str, *, graded: bool, build: Any) -> MapStage:
        bound, stream = self.bound, self.bound.config.stream
        return MapStage(
            source=bound.solutions(model) if graded else bound.trials(model),
            target=bound.samples(model) if graded else bound.solutions(model),
            build=build,
            together="id" if graded else "problem.id",
            stream=stream,
            processes=1 if graded else stream.clients,
            rows_per_part=stream.rows_per_part,
            parts=0 if graded else lists_at_once(bound.config, model),
        )

    def _seal(self, model: str, shards: int, *, graded: bool) -> None:
        target = self.bound.samples(model) if graded else self.bound.solutions(model)
        seal = partial(benchmarking.seal, self.bound, model, graded)
        over_shards(f"seal {target.name}", shards, seal, self.bound.config.stream.stage_deadline_s)
        target.finish(shards, {})


def lists_at_once(config: BenchmarkJob, model: str) -> int:
    """Lists of trials that a client has under way: as many as fill a model's engines, `PARTS` at least.

    A list counts until its last trial has ended, unlike in the main job: a trial may be a long conversation, and all of
    it is lost with its client.
    """
    stream, specs = config.stream, specs_of(config)
    if stream.calls_in_flight is not None:
        return stream.calls_in_flight
    rows = [rows_in_flight(stream, specs[key]) for key in engine_keys(config, model) if key in specs]
    return max([PARTS, *(math.ceil(each / stream.rows_per_part) for each in rows)])


def _started(run: Run) -> str:
    """When the run was first started: what its logs are dated by, so that they are equal when written again."""
    now = json.dumps({"started": datetime.now(UTC).isoformat(timespec="seconds")}).encode()
    run.store.create(STARTED, now)
    return str(json.loads(run.store.read(STARTED))["started"])
