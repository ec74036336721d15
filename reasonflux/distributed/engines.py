"""Serve applications for navigator and reasoner, from one `EngineSpec` each; one application when both are the same.

Base: a thin deployment around vLLM's `AsyncLLM` (`engine_server.EngineServer`), not `ray.serve.llm`'s `LLMServer`.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from reasonflux.config import EngineSpec
from reasonflux.distributed.checkpoints import checkpoint_digest
from reasonflux.distributed.engine_options import check_engine, deployment_options
from reasonflux.distributed.engine_server import engine_application
from reasonflux.errors import BadInput, Deadline, EngineError

POLL_S = 0.25

Build = Callable[[dict[str, Any], EngineSpec, str], Any]  # options, spec, checkpoint → Serve application


def deploy(spec: EngineSpec, name: str, *, checkpoint: str | None = None, rows_per_call: int = 64) -> None:
    """Starts the application `name` and waits until its engine answers; see `deploy_all`."""
    deploy_all({name: spec}, checkpoints={name: checkpoint} if checkpoint else {}, rows_per_call=rows_per_call)


def deploy_all(
    engines: Mapping[str, EngineSpec],
    *,
    checkpoints: Mapping[str, str] | None = None,
    rows_per_call: int = 64,
    build: Build = engine_application,
) -> None:
    """Starts applications side by side and waits until all run.

    `checkpoints`: digests known already, by application; the others are computed here. `rows_per_call`: requests of a
    usual call. `build` makes an application out of options, spec and digest. Raises `BadInput` before anything starts,
    `EngineError` with the replica's own words when an engine cannot start, `Deadline` after the longest
    `start_deadline_s`.
    """
    from ray import serve

    digests = dict(checkpoints or {})
    targets = []
    for name, spec in engines.items():
        check_engine(spec)
        digest = digests.get(name) or known_digest(spec)
        application = build(deployment_options(spec, rows_per_call), spec, digest)
        targets.append(serve.RunTarget(target=application, name=name, route_prefix=None))
    serve.start(proxy_location="Disabled")  # calls go through handles
    serve.run_many(targets, wait_for_applications_running=False)
    _wait_running(list(engines), max(spec.start_deadline_s for spec in engines.values()))


def known_digest(spec: EngineSpec) -> str:
    """Digest of a spec's checkpoint; raises `BadInput` when the spec expects another."""
    actual = checkpoint_digest(spec.model, spec.revision)
    if spec.digest not in (None, actual):
        raise BadInput(
            f"model {spec.model} has digest {actual}, the config expects {spec.digest}", "Correct one of them"
        )
    return actual


def undeploy(*names: str) -> None:
    """Deletes applications and waits until they are gone; names that do not run are passed over."""
    from ray import serve

    running = serve.status().applications
    for name in names:
        if name in running:
            serve.delete(name)


def running(names: Iterable[str]) -> set[str]:
    """Those of `names` that are applications which run now."""
    from ray import serve
    from ray.serve.schema import ApplicationStatus

    applications = serve.status().applications
    return {name for name in names if name in applications and applications[name].status == ApplicationStatus.RUNNING}


def stats(name: str) -> dict[str, int]:
    """What an application's engine has done since it started; with several replicas, one of them."""
    from ray import serve

    return dict(serve.get_app_handle(name).stats.remote().result(timeout_s=30))


def _wait_running(names: list[str], deadline_s: float) -> None:
    from ray import serve
    from ray.serve.schema import ApplicationStatus

    end = time.monotonic() + deadline_s
    while True:
        applications = serve.status().applications
        waiting = []
        for name in names:
            application = applications.get(name)
            if application is not None and application.status == ApplicationStatus.RUNNING:
                continue
            waiting.append(f"{name} is {_describe(application)}")
            if application is not None and application.status == ApplicationStatus.DEPLOY_FAILED:
                raise EngineError(f"engine {waiting[-1]}", "See the replica's log")
        if not waiting:
            return
        if time.monotonic() > end:
            raise Deadline(
                f"engines not running after {deadline_s:g} s: {'; '.join(waiting)}", "Are there enough CPUs, GPUs?"
            )
        time.sleep(POLL_S)


def _describe(application: Any) -> str:
    """Status of an application and the last words of its replicas."""
    if application is None:
        return "unknown to Serve"
    words = [application.message, *(deployment.message for deployment in application.deployments.values())]
    said = " ".join(word.strip() for word in words if word)
    return f"{application.status.value}: {said[-2000:]}" if said else application.status.value
