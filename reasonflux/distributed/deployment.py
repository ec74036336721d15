"""Engines as Serve applications of a config file: `serve deploy cluster/serve/NAME.yaml`, or a RayService."""

from typing import Any

from pydantic import ValidationError

from reasonflux.checkpoints import resolve_source
from reasonflux.config import EngineSpec
from reasonflux.configuring import resolve_model
from reasonflux.distributed.engine_options import check_engine, deployment_options
from reasonflux.distributed.engines import engine_application, known_digest
from reasonflux.errors import BadInput
from reasonflux.uris import check_places

ROWS_PER_CALL = 1  # of a usual call; autoscaling then counts requests


def engine(args: dict[str, Any]) -> Any:
    """The application of one engine; `args` are fields of `config.EngineSpec`.

    Serve calls it on the cluster, where the model can be reached. Raises `BadInput` for what is no engine.
    """
    try:
        given = EngineSpec.model_validate(args)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise BadInput(f"args.{place}: {first['msg']}", "They are fields of config.EngineSpec") from error
    check_places({"args.model": given.model})
    model = resolve_model(given.model)
    spec = given.model_copy(update={"model": model})
    check_engine(spec)
    digest = known_digest(spec)
    here = spec.model_copy(update={"model": resolve_source(model, spec.revision), "revision": None})
    return engine_application(deployment_options(here, ROWS_PER_CALL), here, digest)
