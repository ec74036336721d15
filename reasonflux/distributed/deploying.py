"""A file of `cluster/serve/` as applications that run: what `jobs/deploy.py` does, and what it would do."""

import logging
import signal
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reasonflux.cluster_plan import ClusterPlan, cluster_facts
from reasonflux.clusters import Cluster
from reasonflux.distributed.access import KEYS, api_keys, proxy_address
from reasonflux.distributed.deployment import check_solver, checked_engine, endpoint_application, solver_application
from reasonflux.distributed.engines import failed, undeploy, wait_running
from reasonflux.distributed.places import local_places
from reasonflux.distributed.preflight import placed, told_for, weights_of
from reasonflux.distributed.runtime import check_shared, connect, on_cluster
from reasonflux.errors import BadInput
from reasonflux.planning import EnginePlan
from reasonflux.serving import DeployJob, EndpointSpec, EngineApplication, SolverApplication, SolverSpec

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class DeployPlan:
    """What would run, and where on a described cluster."""

    urls: Mapping[str, str]
    engines: Mapping[str, EnginePlan]
    solvers: Mapping[str, str]
    cluster: ClusterPlan | None

    def to_json(self) -> dict[str, object]:
        """Plain values, for machines."""
        engines = {name: vars(engine) for name, engine in self.engines.items()}
        plan = {"urls": dict(self.urls), "engines": engines, "solvers": dict(self.solvers)}
        return plan | cluster_facts(self.cluster)

    def words(self) -> tuple[str, ...]:
        """Lines for people."""
        lines = [f"{name}: {engine.words()}" for name, engine in self.engines.items()]
        lines += [f"{name}: {words}" for name, words in self.solvers.items()]
        if self.cluster:
            lines += [f"on {self.cluster.cluster}:", *(line for each in self.cluster.engines for line in each.words())]
        return (*lines, *url_lines(self.urls))


def url_lines(urls: Mapping[str, str]) -> tuple[str, ...]:
    """One line for each base URL."""
    return tuple(f"{name}: {url}" for name, url in urls.items())


def plan(config: DeployJob, cluster: Cluster | None = None) -> DeployPlan:
    """What `deploy` would start, where on a described cluster; starts nothing. Raises `BadInput` as `deploy` does.

    A model that cannot be reached from here is told as such.
    """
    specs = _engines(config)
    weights = {name: weights_of(spec) for name, spec in specs.items()}
    solvers = _solvers(config)
    beside = sum(spec.cpus_per_replica * spec.replicas for spec in solvers.values())
    return DeployPlan(
        urls=config.urls,
        engines={name: EnginePlan.of(spec, weights[name]) for name, spec in specs.items()},
        solvers={
            name: f"{spec.prompts} over {spec.navigator} and {spec.reasoner}; {spec.cpus_per_replica:g} CPU a replica"
            for name, spec in solvers.items()
        },
        cluster=None if cluster is None else placed(cluster, specs, weights, (), beside),
    )


def deploy(config: DeployJob) -> Mapping[str, str]:
    """Starts or changes a file's applications and waits until all run; gives the base URLs by application.

    An engine that runs and has a new checkpoint takes it in place where it can, else it is replaced; either way what it
    has in hand is answered first. Applications that are not in the file are left alone. Raises `BadInput` before
    anything starts, `EngineError` with a replica's own words, `Deadline`.
    """
    from ray import serve

    http = config.http_options
    if not on_cluster() and config.urls:
        api_keys(http.host)  # the replicas of a cluster look for their keys themselves
        _check_free(http.host, http.port)
    targets = [
        serve.RunTarget(target=_application(each), name=each.name, route_prefix=each.route_prefix)
        for each in config.applications
    ]
    connect()
    check_shared(local_places(config))
    serve.start(proxy_location=config.proxy_location, http_options=http.model_dump())
    if config.urls and (there := proxy_address()) != (http.host, http.port):
        listens = f"on {there[0]}:{there[1]}" if there else "nowhere"
        what = f"Serve listens {listens} already, the file says {http.host}:{http.port}"
        raise BadInput(what, "It stays so until `serve shutdown`, which ends every application")
    undeploy(*failed(each.name for each in config.applications))  # Serve does not try the same application again
    serve.run_many(targets, wait_for_applications_running=False)
    names = [each.name for each in config.applications]
    # What runs is answered before a replica stops or takes other weights.
    wait_running(names, max(each.args.http.drain_s + each.args.start_deadline_s for each in config.applications))
    logger.info("running: %s", ", ".join(names))
    return config.urls


def stay() -> None:
    """Returns at an interrupt or SIGTERM, with the applications of this process's Ray ended."""
    import ray
    from ray import serve

    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    while not ended.wait(1.0):  # an endless wait would keep signals from being seen
        pass
    serve.shutdown()
    ray.shutdown()


def key_line() -> str:
    """How a client gets in."""
    return f"clients give a key of {KEYS}" if api_keys(None) else "no key is asked for: only this machine reaches them"


def _engines(config: DeployJob) -> dict[str, EndpointSpec]:
    found = {}
    for each in config.applications:
        if isinstance(each, EngineApplication):
            with told_for(each.name):
                found[each.name] = checked_engine(each.args)
    return found


def _check_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what another has just left is free
        try:
            probe.bind((host, port))
        except OSError as error:
            raise BadInput(f"cannot listen on {host}:{port}: {error.strerror}", "Set http_options.port") from error


def _solvers(config: DeployJob) -> dict[str, SolverSpec]:
    found = {}
    for each in config.applications:
        if isinstance(each, SolverApplication):
            with told_for(each.name):
                check_solver(each.args)
            found[each.name] = each.args
    return found


def _application(each: EngineApplication | SolverApplication) -> Any:
    with told_for(each.name):
        if isinstance(each, EngineApplication):
            return endpoint_application(each.args)
        return solver_application(each.args)
