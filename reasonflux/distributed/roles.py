"""Who answers for a role, out of what a user may name: a model, an application, an endpoint, or a `Generate`."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from reasonflux.config import EngineSpec
from reasonflux.configuring import resolve_model
from reasonflux.distributed.engine_client import EngineClient
from reasonflux.distributed.gathering import Gathering
from reasonflux.distributed.local_engine import LocalEngine
from reasonflux.endpoint import Endpoint
from reasonflux.errors import BadInput
from reasonflux.protocols import Generate

Named = str | Path | Generate | Any  # Any: a Serve handle
APPLICATION = "serve:"
LIST_DEADLINE_S = 10.0


class Engines:
    """Makes each engine once, whatever roles it serves, and stops those that it started."""

    def __init__(self, settings: Mapping[str, Any], deadline_s: float) -> None:
        """`settings`: fields of `EngineSpec` for engines in this process; `deadline_s`: of one completion."""
        self._settings, self._deadline_s = dict(settings), deadline_s
        self._made: dict[str, Generate] = {}
        self._started: list[LocalEngine] = []

    def generate(self, named: Named, key_variable: str = "OPENAI_API_KEY") -> Generate:
        """The `Generate` behind a name. Raises `BadInput` for what is nothing of the kind, `EngineError`."""
        if not isinstance(named, str | Path):
            return self._of_handle(named) if hasattr(named, "options") else cast(Generate, named)
        name = str(named)
        if name not in self._made:
            self._made[name] = self._make(name, key_variable)
        return self._made[name]

    def stop(self) -> None:
        """Ends the engines of this process."""
        while self._started:
            self._started.pop().close()

    def _make(self, name: str, key_variable: str) -> Generate:
        if name.startswith(("http://", "https://")):
            url, _, model = name.partition("#")
            return Endpoint(
                model or _only_model(url, key_variable), url, key_variable=key_variable, deadline_s=self._deadline_s
            )
        if name.startswith(APPLICATION):
            return self._of_application(name.removeprefix(APPLICATION))
        engine = LocalEngine.start(self._spec(name))
        self._started.append(engine)
        return Gathering(engine.client(self._deadline_s).stream, wait_s=0.0)

    def _spec(self, name: str) -> EngineSpec:
        import torch
        from pydantic import ValidationError

        device = "gpu" if torch.cuda.is_available() else "cpu"
        try:
            return EngineSpec(**{"device": device, "model": resolve_model(name), **self._settings})
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise BadInput(f"engine: {first['loc'][-1]}: {first['msg']}", "See config.EngineSpec") from error

    def _of_application(self, name: str) -> Generate:
        import ray

        from reasonflux.distributed.engines import running

        try:
            if not ray.is_initialized():
                ray.init(address="auto", log_to_driver=False)
            found = running([name])
        except ConnectionError as error:
            raise BadInput(f"no Ray cluster for the application {name}", "Start it, or set RAY_ADDRESS") from error
        if not found:
            raise BadInput(f"no Serve application {name} runs", "`serve status` lists those that do")
        return Gathering(EngineClient(name, deadline_s=self._deadline_s).stream)

    def _of_handle(self, handle: Any) -> Generate:
        streaming = handle.options(stream=True).generate
        client = EngineClient(str(handle), deadline_s=self._deadline_s, connect=lambda _: streaming)
        return Gathering(client.stream)


def _only_model(url: str, key_variable: str) -> str:
    """The model that an endpoint serves, where it serves one."""
    import openai

    client = openai.OpenAI(base_url=url, api_key=os.environ.get(key_variable) or "none", timeout=LIST_DEADLINE_S)
    try:
        models = [model.id for model in client.models.list().data]
    except Exception as error:  # whatever the endpoint answers
        raise BadInput(f"{url} does not list its models: {error}", f"Name one: {url}#MODEL") from error
    if len(models) != 1:
        raise BadInput(f"{url} serves {len(models)} models", f"Name one: {url}#MODEL, of {', '.join(models[:5])}")
    return models[0]
