"""Who answers for a role, out of what a user may name: a model, an application, an endpoint, or a `Generate`."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from reasonflux.config import EngineSpec
from reasonflux.configuring import TESTBED_PREFIX, resolve_model
from reasonflux.distributed.engine_client import EngineClient
from reasonflux.distributed.gathering import Gathering
from reasonflux.distributed.local_engine import LocalEngine
from reasonflux.endpoint import KEY_VARIABLE, Endpoint
from reasonflux.errors import BadInput
from reasonflux.protocols import Generate
from reasonflux.uris import check_endpoint

Named = str | Path | Generate | Any  # Any: a Serve handle
URLS = ("http://", "https://")
APPLICATION = "serve:"
ELSEWHERE = (*URLS, APPLICATION)  # names of what runs in other processes
SEQUENCES = 64  # at once in an engine of this process: one user, not a cluster's load
GPU_MEMORY = 0.9  # of a GPU, for all engines of this process
TESTBED_ENGINE = {"dtype": "float32", "max_model_len": 512}  # what the testbed's models were measured in
LIST_DEADLINE_S = 10.0


class Engines:
    """Makes each engine once, whatever roles it serves, and stops those that it started."""

    def __init__(self, settings: Mapping[str, Any], deadline_s: float) -> None:
        """`settings`: fields of `EngineSpec` for engines in this process; `deadline_s`: of one completion."""
        self._settings, self._deadline_s = dict(settings), deadline_s
        self._made: dict[str, Generate] = {}
        self._started: list[LocalEngine] = []
        self._share = GPU_MEMORY

    def generates(self, named: Sequence[Named]) -> list[Generate]:
        """The `Generate` behind each name. Raises `BadInput` for what is nothing of the kind, `EngineError`."""
        models = {str(one) for one in named if isinstance(one, str | Path) and not str(one).startswith(ELSEWHERE)}
        self._share = GPU_MEMORY / max(1, len(models))
        return [self._generate(one) for one in named]

    def _generate(self, named: Named) -> Generate:
        if not isinstance(named, str | Path):
            return self._of_handle(named) if hasattr(named, "options") else cast(Generate, named)
        name = str(named)
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def stop(self) -> None:
        """Ends the engines of this process."""
        while self._started:
            self._started.pop().close()

    def _make(self, name: str) -> Generate:
        if name.startswith(URLS):
            url, _, model = name.partition("#")
            check_endpoint("the endpoint", url)
            return Endpoint(model or _only_model(url), url, deadline_s=self._deadline_s)
        if name.startswith(APPLICATION):
            return self._of_application(name.removeprefix(APPLICATION))
        engine = LocalEngine.start(self._spec(name))
        self._started.append(engine)
        return Gathering(engine.client(self._deadline_s).stream, wait_s=0.0)

    def _spec(self, name: str) -> EngineSpec:
        import torch
        from pydantic import ValidationError

        device = "gpu" if torch.cuda.is_available() else "cpu"
        base = {"device": device, "max_num_seqs": SEQUENCES, "gpu_memory_utilization": self._share}
        testbed = TESTBED_ENGINE if name.startswith(TESTBED_PREFIX) else {}
        try:
            return EngineSpec(**{**base, **testbed, **self._settings, "model": resolve_model(name)})
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


def _only_model(url: str) -> str:
    """The model that an endpoint serves, where it serves one."""
    import openai

    client = openai.OpenAI(base_url=url, api_key=os.environ.get(KEY_VARIABLE) or "none", timeout=LIST_DEADLINE_S)
    try:
        models = [model.id for model in client.models.list().data]
    except Exception as error:  # whatever the endpoint answers
        raise BadInput(f"{url} does not list its models: {error}", f"Name one: {url}#MODEL") from error
    if len(models) != 1:
        raise BadInput(f"{url} serves {len(models)} models", f"Name one: {url}#MODEL, of {', '.join(models[:5])}")
    return models[0]
