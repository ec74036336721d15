"""A study from its suites to `study.json`: each benchmark run done, gone on with or only read, then one function.

The state is the benchmark runs': a killed study goes on with the one that it was in, a finished one is only read.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reasonflux.configuring import dump_config
from reasonflux.distributed.benchmark_run import run_benchmarks
from reasonflux.distributed.engines import deploy_all
from reasonflux.distributed.run_engines import Deploy
from reasonflux.distributed.study_checks import CheckedStudy
from reasonflux.evals.exhibits import Exhibits
from reasonflux.evals.studies.material import Material, Measured
from reasonflux.evals.studies.training_cost import TrainingCost
from reasonflux.storage.lease import Holder, Lease
from reasonflux.storage.manifests import versions
from reasonflux.storage.run import Run
from reasonflux.storage.store import Store

FILE = "study.json"


@dataclass(frozen=True, kw_only=True)
class StudyOutcome:
    """What a study leaves."""

    run: str  # URI of its run directory
    benchmarks: Mapping[str, str]  # URIs of the benchmark runs that it stands on
    exhibits: Exhibits

    def to_json(self) -> dict[str, Any]:
        """Plain values, for machines."""
        return {"run": self.run, "benchmarks": dict(self.benchmarks), "exhibits": self.exhibits.to_json()}

    def words(self) -> tuple[str, ...]:
        """Where everything lies."""
        return (*(f"results: {place}/results" for place in self.benchmarks.values()), f"study: {self.run}/{FILE}")


def run_study(study: CheckedStudy, deploy: Deploy = deploy_all) -> StudyOutcome:
    """Runs a study, or goes on with it; a finished one is only read. `deploy` starts the engines.

    Raises `BadInput` before any engine starts, `LeaseHeld` while another driver works on the study or one of its runs.
    """
    job = study.job
    root = Store.at(job.output.root)
    run = Run.open(root.uri, job.name, dump_config(job))
    places = {name: root.child(suite.config.name).uri for name, suite in study.suites.items()}
    if run.manifest() is None:
        with Lease.acquire(run.store, Holder.current()) as lease:
            for suite in study.suites.values():
                run_benchmarks(suite, deploy)
            measured = {name: Measured.read(Run(Store.at(place))) for name, place in places.items()}
            training = TrainingCost.of(Store.at(job.rounds)) if job.rounds else None
            material = Material(runs=measured, published=study.published, training=training)
            exhibits = job.study.exhibits(material)
            lease.check()
            run.store.put(FILE, (json.dumps(exhibits.to_json(), indent=1, ensure_ascii=False) + "\n").encode())
            made_of = {name: {"run": places[name], "results": one.results} for name, one in measured.items()}
            run.finish({"name": job.name, "study": job.study.kind, "runs": made_of, "versions": versions()})
    exhibits = Exhibits.read(json.loads(run.store.read(FILE)))
    return StudyOutcome(run=run.store.uri, benchmarks=places, exhibits=exhibits)
