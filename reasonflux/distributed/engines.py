"""Serve applications for navigator and reasoner, from one `EngineSpec` each; one application when both are the same.

Base: a thin deployment around vLLM's `AsyncLLM` (`engine_server.EngineServer`), not `ray.serve.llm`'s `LLMServer`.
Measured on 2 CPU cores: start-up 32 s against 59 s, equal throughput. With the engine's worker inside its own process
(`engine_options`) `AsyncLLM` starts in 13 s instead of 23 s and gives 180 instead of 145 requests/s.
What `LLMServer` would bring comes from vLLM and Serve themselves: tensor parallelism by vLLM's own processes in one
node, pipeline parallelism by its Ray executor in the replica's placement group, autoscaling on calls, and OpenAI's
endpoints by vLLM's serving classes over the replica's `AsyncLLM` (`openai_server`).
"""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from reasonflux.checkpoints import checkpoint_digest, find_checkpoint, resolve_source
from reasonflux.config import EngineSpec
from reasonflux.distributed.engine_options import check_engine, deployment_options, most_replicas
from reasonflux.distributed.engine_server import EngineServer
from reasonflux.errors import BadInput, Deadline, EngineError
from reasonflux.identity import digest as digest_of

POLL_S = 0.25
DELETE_DEADLINE_S = 120.0
ASK_DEADLINE_S = 30.0
SAID = 2000  # characters of a replica's last words that an error repeats

Build = Callable[[dict[str, Any], EngineSpec, str], Any]  # options, spec, checkpoint → Serve application


def engine_application(options: dict[str, Any], spec: EngineSpec, checkpoint: str, server: type = EngineServer) -> Any:
    """The Serve application of one engine, ready to run.

    Run again under a name that runs, it gives each replica in place what `reconfigure` takes; replicas that start later
    are made with the new checkpoint. Serve does so while the version stays the same: it stands for all of the spec
    that a running engine cannot change.
    """
    from ray import serve

    kept = digest_of(spec.model_dump(mode="json", exclude={"model", "revision", "digest"}))
    given = {"model": spec.model, "checkpoint": checkpoint}
    engine = serve.deployment(server, name="engine", rolling_update_percentage=1.0)  # all replicas change at once
    return engine.options(**options, user_config=given, version=kept, _internal=True).bind(spec, checkpoint)


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

    One that runs already is given its checkpoint in place where only that is new (`EngineServer.swap`); where an engine
    cannot take it, Serve starts it anew. Either way every replica of it, and any that starts later, serves the new one.
    `checkpoints`: digests known already, by application; the others are computed here. `rows_per_call`: requests of a
    usual call. `build` makes an application out of options, spec and digest. Raises `BadInput` before anything starts,
    `EngineError` with the replica's own words when an engine cannot start, `Deadline` after the longest
    `start_deadline_s`; neither leaves an application behind.
    """
    from ray import serve

    for spec in engines.values():
        check_engine(spec)
    known = dict(checkpoints or {})
    digests = {name: known.get(name) or known_digest(spec) for name, spec in engines.items()}
    serve.start(proxy_location="Disabled")  # calls go through handles
    undeploy(*failed(engines))  # of a killed driver: Serve does not try the same application again
    there, targets = running(engines), []
    for name, spec in engines.items():
        here = spec.model_copy(update={"model": resolve_source(spec.model, spec.revision), "revision": None})
        options = deployment_options(here, rows_per_call)
        if name in there:  # each replica may fail to take the checkpoint in place, and still be started anew
            options["max_constructor_retry_count"] += most_replicas(spec) + 1
        application = build(options, here, digests[name])
        targets.append(serve.RunTarget(target=application, name=name, route_prefix=None))
    serve.run_many(targets, wait_for_applications_running=False)
    try:
        wait_running(list(engines), max(spec.start_deadline_s for spec in engines.values()))
    except (EngineError, Deadline):
        undeploy(*engines)
        raise


def known_digest(spec: EngineSpec) -> str:
    """Digest of a spec's checkpoint; raises `BadInput` when its files have another than the spec expects.

    Where the spec names the digest of a remote model, that is taken: each node checks it while it copies.
    """
    if spec.digest and not find_checkpoint(spec.model, spec.revision).local:
        return spec.digest
    actual = checkpoint_digest(spec.model, spec.revision)
    if spec.digest not in (None, actual):
        what = f"model {spec.model} has digest {actual}, the config expects {spec.digest}"
        raise BadInput(what, "Correct one of them")
    return actual


def running(names: Iterable[str]) -> set[str]:
    """Those of `names` that are applications which run now."""
    from ray import serve
    from ray.serve.schema import ApplicationStatus

    applications = serve.status().applications
    return {name for name in names if name in applications and applications[name].status == ApplicationStatus.RUNNING}


def failed(names: Iterable[str]) -> set[str]:
    """Those of `names` that are applications which could not be deployed."""
    from ray import serve
    from ray.serve.schema import ApplicationStatus

    there = serve.status().applications
    return {name for name in names if name in there and there[name].status == ApplicationStatus.DEPLOY_FAILED}


def undeploy(*names: str) -> None:
    """Deletes applications and waits until they are gone; names that do not run are passed over. Raises `Deadline`."""
    from ray import serve

    for name in set(names) & set(serve.status().applications):
        serve.delete(name, _blocking=False)
    end = time.monotonic() + DELETE_DEADLINE_S
    while left := set(names) & set(serve.status().applications):
        if time.monotonic() > end:
            raise Deadline(f"engines {', '.join(sorted(left))} not gone after {DELETE_DEADLINE_S:g} s")
        time.sleep(POLL_S)


def stats(name: str) -> dict[str, int]:
    """What an application's engine has done since it started; with several replicas, one of them."""
    from ray import serve

    return dict(serve.get_app_handle(name).stats.remote().result(timeout_s=ASK_DEADLINE_S))


def serves(name: str) -> str:
    """Digest of the checkpoint that a running application answers with; one replica tells. Raises `Deadline`."""
    from ray import serve

    try:
        return str(serve.get_app_handle(name).serves.remote().result(timeout_s=ASK_DEADLINE_S))
    except TimeoutError as error:
        raise Deadline(f"engine {name} does not say what it serves within {ASK_DEADLINE_S:g} s") from error


def wait_running(names: list[str], deadline_s: float) -> None:
    """Returns when all of them run; raises `EngineError` with a replica's own words, or `Deadline`."""
    from ray import serve
    from ray.serve.schema import ApplicationStatus

    end = time.monotonic() + deadline_s
    while waiting := sorted(set(names) - running(names)):
        applications = serve.status().applications
        states = {name: _describe(applications.get(name)) for name in waiting}
        for name in waiting:
            if name in applications and applications[name].status == ApplicationStatus.DEPLOY_FAILED:
                raise EngineError(f"engine {name} could not start. {states[name]}", "Mend what its replica names")
        if time.monotonic() > end:
            what = "; ".join(f"{name} is {state}" for name, state in states.items())
            raise Deadline(f"engines not running after {deadline_s:g} s: {what}", "Are there enough CPUs or GPUs?")
        time.sleep(POLL_S)


def _describe(application: Any) -> str:
    """Status of an application and the last words of its replicas."""
    if application is None:
        return "unknown to Serve"
    words = [application.message, *(deployment.message for deployment in application.deployments.values())]
    said = " ".join(word.strip() for word in words if word)
    return f"{application.status.value}: {said[-SAID:]}" if said else application.status.value
