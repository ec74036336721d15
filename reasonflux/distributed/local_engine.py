"""An engine in this very process, without Ray: the Serve replica's class behind the same client."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from reasonflux.checkpoints import HUB, resolve_source
from reasonflux.config import EngineSpec
from reasonflux.distributed.engine_client import EngineClient
from reasonflux.distributed.engine_options import check_engine, environment
from reasonflux.distributed.engine_server import EngineServer
from reasonflux.distributed.engines import known_digest
from reasonflux.errors import BadInput, EngineError
from reasonflux.protocols import Completion, Request

LOG_LEVEL = "VLLM_LOGGING_LEVEL"  # the user's own counts
HUB_FILES = ["*.safetensors", "*.json", "*.txt", "*.jinja", "*.model", "tiktoken*"]


class LocalEngine(EngineServer):
    """A vLLM engine that belongs to the event loop it was made in."""

    @classmethod
    def start(cls, spec: EngineSpec) -> "LocalEngine":
        """Checks the spec, fetches a Hub model once, and starts; raises `BadInput` or `EngineError`."""
        check_engine(spec)
        spec = spec.model_copy(update={"model": _at_hand(spec), "revision": None})
        digest = known_digest(spec)
        level = {name: os.environ[name] for name in (LOG_LEVEL,) if name in os.environ}
        with _variables(environment(spec) | level):
            try:
                return cls(spec, digest)
            except Exception as error:  # vLLM's constructors raise whatever their parts raise
                raise EngineError(f"engine of {spec.model} could not start: {error}", "Mend what it names") from error

    def client(self, deadline_s: float) -> EngineClient:
        """The client over this engine; one call a request, since nothing that failed here gets better by itself."""
        name = f"the engine of {self._checkpoint[:12]}"
        return EngineClient(name, attempts=1, deadline_s=deadline_s, connect=lambda _: _Handle(self))

    def _end_process(self) -> None:
        """This process is the user's: it goes on, and requests say that the engine has died."""


class _Handle:
    """What `EngineClient` needs of a deployment handle."""

    def __init__(self, engine: LocalEngine) -> None:
        self._engine = engine

    def remote(self, requests: Sequence[Request]) -> "_Call":
        return _Call(self._engine.generate(requests))


class _Call:
    def __init__(self, arriving: AsyncIterator[list[Completion]]) -> None:
        self._arriving = arriving

    async def __anext__(self) -> list[Completion]:
        return await anext(self._arriving)

    def cancel(self) -> None:
        closing: Any = self._arriving
        self._closing = asyncio.ensure_future(closing.aclose())


@contextmanager
def _variables(variables: Mapping[str, str]) -> Iterator[None]:
    """Environment variables for the engine's process, which inherits them; the user's process has its own again."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _at_hand(spec: EngineSpec) -> str:
    """The model's directory or URI; a Hub model is fetched into the Hub's own cache."""
    source = resolve_source(spec.model, spec.revision)
    if not source.startswith(HUB):
        return source
    from huggingface_hub import snapshot_download

    try:
        return str(snapshot_download(spec.model, revision=spec.revision, allow_patterns=HUB_FILES))
    except Exception as error:  # the network's and the Hub's errors are many
        what = f"model {spec.model} is no directory here and cannot be fetched from the Hub: {error}"
        raise BadInput(what, "Check its name and your access") from error
