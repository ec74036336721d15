"""What of a study can be known to be wrong before an engine starts, and what the run and `--plan` go on with."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import yaml

from reasonflux.cluster_plan import one_after_the_other
from reasonflux.clusters import Cluster
from reasonflux.config import Model
from reasonflux.configuring import load_config
from reasonflux.distributed.benchmark_checks import Checked, check_benchmarks
from reasonflux.distributed.preflight import told_for
from reasonflux.distributed.runtime import check_root
from reasonflux.distributed.train_files import FINAL
from reasonflux.errors import BadInput
from reasonflux.evals.studies.job import StudyJob, StudyRun
from reasonflux.evals.studies.material import PublishedTables, cell_of
from reasonflux.evals.suite import BenchmarkJob
from reasonflux.planning import JobPlan
from reasonflux.rounds.config import Served, Standing
from reasonflux.rounds.record import read_records
from reasonflux.storage.run import Run
from reasonflux.storage.store import Store


@dataclass(frozen=True)
class CheckedStudy:
    """A study whose suites are sound and have what it asks for."""

    job: StudyJob
    suites: Mapping[str, Checked]
    published: PublishedTables

    def plan(self, cluster: Cluster | None = None) -> JobPlan:
        """What all its benchmark runs would do, one after the other, were none of them there.

        Raises `BadInput` for what a described cluster cannot hold.
        """
        plans = []
        there = {}
        for name, suite in self.suites.items():
            with told_for(f"runs.{name}"):
                plans.append(suite.plan(cluster))
            if one := plans[-1].cluster:
                engines = [replace(engine, role=f"{plans[-1].name}, {engine.role}") for engine in one.engines]
                there[plans[-1].name] = replace(one, engines=tuple(engines))
        return JobPlan(
            name=self.job.name,
            stages=tuple(stage for plan in plans for stage in plan.stages),
            engines={f"{plan.name}, {key}": engine for plan in plans for key, engine in plan.engines.items()},
            cluster=one_after_the_other(cluster, there) if cluster else None,
        )


def check_study(job: StudyJob) -> CheckedStudy:
    """Reads a study's suites and checks all of them; raises `BadInput`."""
    check_root("output.root", job.output.root)
    published = load_config(PublishedTables, job.published) if job.published else PublishedTables()
    trained = standing_navigator(job.rounds) if job.rounds else None
    suites = {}
    for name, run in job.runs.items():
        with told_for(f"runs.{name}"):
            suites[name] = check_benchmarks(suite_of(job, run, trained))
    for arm, benchmark in job.study.arms():
        run_name, cell = cell_of(arm, benchmark or "")
        _check_there(arm, cell, suites[run_name].config, with_benchmark=benchmark is not None)
    return CheckedStudy(job, suites, published)


def suite_of(job: StudyJob, run: StudyRun, trained: Served | None) -> BenchmarkJob:
    """A run's suite, with the trained navigator where there is one: then the run has a name of its own."""
    overrides = [*run.set, f"output.root={job.output.root}"]
    if trained is None or run.trained is None:
        return load_config(BenchmarkJob, run.suite, overrides)
    navigator = f"models.{run.trained}.navigator"
    overrides += [f"{navigator}.model={trained.model}", f"{navigator}.digest={trained.digest}"]
    suite = load_config(BenchmarkJob, run.suite, overrides)
    return suite.model_copy(update={"name": f"{suite.name}-{trained.digest[:8]}"})


def standing_navigator(rounds: str) -> Served:
    """The navigator that stands after a run of rounds; raises `BadInput` for one that is not finished.

    One that the rounds trained lies in the run, wherever that was copied to; where they kept the one that they began
    with, their config says what that is.
    """
    store = Store.at(rounds)
    manifest = Run(store).manifest()
    if manifest is None or "standing" not in manifest:
        raise BadInput(f"rounds: {store.uri} is no finished run of rounds", "Let jobs/run_rounds.py end first")
    standing = Standing.read(manifest["standing"]).navigator
    for record in read_records(store):
        if record.candidate and record.candidate.digest == standing.digest:
            return replace(standing, model=store.child(f"round-{record.number}", "training", FINAL).uri)
    return replace(standing, model=yaml.safe_load(store.read("config.yaml"))["navigator"]["model"])


def _check_there(arm: str, cell: tuple[str, str, str], suite: BenchmarkJob, *, with_benchmark: bool) -> None:
    benchmark, model, method = cell
    wanted: list[tuple[str, str, Mapping[str, Model | object]]] = [
        ("model", model, suite.models),
        ("method", method, suite.methods),
    ]
    if with_benchmark:
        wanted.append(("benchmark", benchmark, suite.benchmarks))
    for what, name, known in wanted:
        if name not in known:
            raise BadInput(f"study: {arm}: {suite.name} has no {what} {name}", f"It has {', '.join(known)}")
