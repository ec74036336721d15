"""Serve applications out of a file of `cluster/serve/`: what `serve deploy`, a RayService and `jobs/deploy.py` build.

Serve stops a replica, or lets it take another checkpoint, when what it has in hand is answered; what comes meanwhile
waits at the proxy or in the replica. So nothing is lost when a file is deployed again.
"""

from typing import Any, TypeVar

from pydantic import ValidationError

from reasonflux.checkpoints import resolve_source
from reasonflux.config import Model
from reasonflux.configuring import resolve_model
from reasonflux.distributed.engine_options import check_engine, deployment_options, most_replicas, scaling
from reasonflux.distributed.engines import engine_application, known_digest
from reasonflux.distributed.openai_server import EndpointServer
from reasonflux.distributed.solver_server import SolverServer, method_of
from reasonflux.errors import BadInput
from reasonflux.library.load import load_library
from reasonflux.reasoning.methods.settings import require_prompts
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.serving import EndpointSpec, HttpLimits, SolverSpec
from reasonflux.uris import check_places

ROWS_PER_CALL = 1  # of a usual call; autoscaling then counts requests
M = TypeVar("M", bound=Model)


def engine(args: dict[str, Any]) -> Any:
    """The application of one engine; `args` are fields of `serving.EndpointSpec`.

    Serve calls it on the cluster, where the model can be reached. Raises `BadInput` for what is no engine.
    """
    return endpoint_application(_validated(EndpointSpec, args))


def solver(args: dict[str, Any]) -> Any:
    """The application of a method over two engines; `args` are fields of `serving.SolverSpec`."""
    return solver_application(_validated(SolverSpec, args))


def endpoint_application(given: EndpointSpec) -> Any:
    """An engine with its endpoints. Raises `BadInput` for a model or setting that cannot be used."""
    from ray import serve

    spec = checked_engine(given)
    digest = known_digest(spec)
    here = spec.model_copy(update={"model": resolve_source(spec.model, spec.revision), "revision": None})
    options = deployment_options(here, ROWS_PER_CALL)
    options |= _http(spec.http, beside=options["max_ongoing_requests"])
    # Each replica may fail to take a checkpoint in place, and still be started anew.
    options["max_constructor_retry_count"] += most_replicas(spec) + 1
    return engine_application(options, here, digest, server=serve.ingress()(EndpointServer))


def checked_engine(given: EndpointSpec) -> EndpointSpec:
    """The spec with its model resolved; raises `BadInput`."""
    check_places({"args.model": given.model})
    spec = given.model_copy(update={"model": resolve_model(given.model)})
    check_engine(spec)
    return spec


def solver_application(spec: SolverSpec) -> Any:
    """A method over two engines. Raises `BadInput` for what cannot be used."""
    from ray import serve

    check_solver(spec)
    options: dict[str, Any] = {
        "logging_config": {"log_level": "WARNING", "enable_access_log": False},
        "ray_actor_options": {"num_cpus": spec.cpus_per_replica},
        "health_check_timeout_s": 60,
        "graceful_shutdown_wait_loop_s": 0.1,
        **(scaling(spec.autoscaling, ROWS_PER_CALL) if spec.autoscaling else {"num_replicas": spec.replicas}),
        **_http(spec.http, beside=0),
    }
    return serve.deployment(serve.ingress()(SolverServer), name="solver").options(**options).bind(spec)


def check_solver(spec: SolverSpec) -> None:
    """Raises `BadInput` for a method, prompts or library that cannot be used, before an engine starts for them."""
    check_places({"args.library": spec.library, "args.prompts": spec.prompts, "args.matcher": spec.matcher})
    method = method_of(spec)
    require_prompts(method, PromptSet.load(spec.prompts))
    if getattr(method, "select", "") == "oracle":
        raise BadInput("an oracle selects by the gold answer, which nobody has here", "Select by majority or logprob")
    if spec.library:
        load_library(spec.library)


def _http(limits: HttpLimits, beside: int) -> dict[str, Any]:
    """A replica is sent more than it takes over HTTP, so that it can refuse in OpenAI's words; then the proxy does."""
    return {
        "max_ongoing_requests": 2 * limits.concurrent + beside,
        "max_queued_requests": limits.queued,
        "backpressure_config": {"status_code": 429, "retry_after_s": limits.retry_after_s},
        "graceful_shutdown_timeout_s": limits.drain_s,
    }


def _validated(model: type[M], args: dict[str, Any]) -> M:
    try:
        return model.model_validate(args)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise BadInput(f"args.{place}: {first['msg']}", f"They are fields of serving.{model.__name__}") from error
