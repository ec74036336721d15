"""A run of the main job's pipeline, opened: checked, locked, bound to its inputs, with engines at hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from reasonflux import logs
from reasonflux.config import PairsJob
from reasonflux.configuring import dump_config
from reasonflux.distributed import runtime
from reasonflux.distributed.engines import deploy_all
from reasonflux.distributed.pipeline import Engines, Execution, Pipeline
from reasonflux.distributed.places import shared_places
from reasonflux.distributed.preflight import Preflight, preflight, specs_of
from reasonflux.distributed.run_engines import Deploy, RunEngines
from reasonflux.distributed.stages import Bound
from reasonflux.storage.lease import Holder, Lease
from reasonflux.storage.run import Run


@dataclass(frozen=True)
class Lent:
    """Engines of a job of many runs, lent to one of them: they go on when it stops."""

    engines: RunEngines
    served: dict[str, dict[str, int]] = field(default_factory=dict)  # told by whoever deletes them

    def ready(self, role: str, others: tuple[str, ...] = ()) -> str:
        """As `RunEngines.ready`."""
        return self.engines.ready(role, others)

    def stop(self) -> None:
        """Leaves them running."""


@dataclass(frozen=True, kw_only=True)
class OpenRun:
    """What a job works with while it holds the run's lease."""

    bound: Bound
    lease: Lease
    pipeline: Pipeline


@contextmanager
def open_run(config: PairsJob, deploy: Deploy = deploy_all, lent: RunEngines | None = None) -> Iterator[OpenRun]:
    """The run of a config, made now or gone on with, on engines of its own, which end with it, or on `lent` ones.

    `deploy` starts engines of its own. Raises `BadInput` before any engine starts, `LeaseHeld` while another driver
    works on the run.
    """
    facts = preflight(config)
    asked = (facts.root.uri, config.name, dump_config(config))
    logs.know(run=config.name, place=Run.at(*asked).store.uri)
    runtime.connect()
    logs.know(job=runtime.job_id())
    runtime.check_shared(shared_places(config))
    run = Run.open(*asked)
    with Lease.acquire(run.store, Holder.current()) as lease, _engines(facts, deploy, lent) as engines:
        bound = _bind(facts, run, lease)
        yield OpenRun(bound=bound, lease=lease, pipeline=Pipeline(bound, engines, Execution()))


@contextmanager
def _engines(facts: Preflight, deploy: Deploy, lent: RunEngines | None) -> Iterator[Engines]:
    """Engines for a run's two models: the lent ones, changed to them, or new ones."""
    specs = specs_of(facts.config)
    checkpoints = {"navigator": facts.navigator, "reasoner": facts.reasoner}
    if lent is not None:
        for role, spec in specs.items():
            lent.change(role, spec, checkpoints[role])
        yield Lent(lent)
        return
    own = RunEngines(
        run=facts.config.name,
        specs=specs,
        checkpoints=checkpoints,
        rows_per_call=facts.config.stream.rows_per_part,
        deploy=deploy,
    )
    with own:
        yield own


def _bind(facts: Preflight, run: Run, lease: Lease) -> Bound:
    return Bound(
        config=facts.config,
        run=run,
        fence=lease.fence,
        prompts=facts.prompts,
        library=facts.library,
        navigator=facts.navigator,
        reasoner=facts.reasoner,
    )
