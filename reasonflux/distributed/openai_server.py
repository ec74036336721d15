"""OpenAI's API over the engine that handles call: vLLM's own routes and serving classes, in the replica's one process.

Models, chat completions and completions, whole and streamed, with all that vLLM knows of them. What stands here is what
vLLM's own server does otherwise: keys and limits (`access`), and one checkpoint for the whole of an answer, which names
it in `system_fingerprint` and in a header, also while the replica takes another.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from reasonflux.distributed.access import AccessControl, Refusal, keys_here
from reasonflux.distributed.engine_server import EngineServer
from reasonflux.serving import EndpointSpec

CHECKPOINT_HEADER = "x-reasonflux-checkpoint"


class EndpointServer(EngineServer):
    """An engine that also answers over HTTP, under the name of its application."""

    def __init__(self, spec: EndpointSpec, checkpoint: str) -> None:
        """Raises `BadInput` where others reach it and there is no key, else as the engine does."""
        self._keys = keys_here()
        self._limits = spec.http
        self._thinking = str(spec.engine_args.get("reasoning_parser", ""))  # how vLLM tells thinking from an answer
        super().__init__(spec, checkpoint)

    async def __serve_build_asgi_app__(self) -> AccessControl:
        """Called by Serve once the engine runs."""
        from fastapi import Depends, FastAPI
        from vllm.entrypoints.openai.chat_completion.api_router import router as chat_routes
        from vllm.entrypoints.openai.completion.api_router import router as completion_routes
        from vllm.entrypoints.openai.models.api_router import router as model_routes
        from vllm.entrypoints.serve.exception_handling.register import init_exception_handler

        app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
        app.include_router(model_routes)
        for routes in (chat_routes, completion_routes):
            app.include_router(routes, dependencies=[Depends(self._check)])
        init_exception_handler(app)
        app.add_exception_handler(Refusal, lambda _, refusal: refusal.response)
        app.add_api_route("/health", self._health)
        app.add_api_route("/ready", self._ready)
        self._speak(app.state)
        return AccessControl(app, self._limits, self._keys, self._admit)

    def _speak(self, state: Any) -> None:
        """What vLLM's routes look for in the application's state."""
        from ray import serve
        from vllm.entrypoints.openai.chat_completion.serving import OpenAIServingChat
        from vllm.entrypoints.openai.completion.serving import OpenAIServingCompletion
        from vllm.entrypoints.openai.models.protocol import BaseModelPath
        from vllm.entrypoints.openai.models.serving import OpenAIServingModels
        from vllm.renderers.online_renderer import OnlineRenderer

        engine = self._engine
        name = serve.get_replica_context().app_name
        models = OpenAIServingModels(engine, [BaseModelPath(name=name, model_path=name)])
        template: dict[str, Any] = {"chat_template": None, "chat_template_content_format": "auto"}
        renderer = OnlineRenderer(
            engine.model_config, engine.renderer, request_logger=None, reasoning_parser=self._thinking, **template
        )
        common = {"online_renderer": renderer, "request_logger": None, "enable_prompt_tokens_details": True}
        chat = OpenAIServingChat(
            engine, models, response_role="assistant", reasoning_parser=self._thinking, **common, **template
        )
        completion = OpenAIServingCompletion(engine, models, **common)
        self._speakers = (chat, completion)
        for speaker in self._speakers:
            if self._limits.output_tokens:
                speaker.override_max_tokens = self._limits.output_tokens
        state.openai_serving_models, state.openai_serving_chat = models, chat
        state.openai_serving_completion, state.openai_serving_chat_batch = completion, None
        state.engine_client = engine
        state.args = SimpleNamespace(log_error_stack=False, sse_keep_alive_interval=0)
        state.server = SimpleNamespace()  # vLLM tells it to exit when the engine is dead; here Serve sees to that

    async def _check(self, request: Request) -> None:
        """Raises `Refusal` for a request of more completions than one may ask for: all of them run at once."""
        asked, most = completions_asked(await request.json()), self._limits.completions
        if asked > most:
            what = f"{asked:,} completions are asked for at once; a request has at most {most:,} here"
            raise Refusal(400, "too_many_completions", what, param="n")

    @asynccontextmanager
    async def _admit(self) -> AsyncIterator[dict[str, str]]:
        """Held for a whole answer, so that a swap waits for its end and it comes from one checkpoint."""
        async with self._admission.enter():
            if self._fault:
                raise Refusal(503, "unavailable", self._fault, retry_after_s=self._limits.retry_after_s)
            for speaker in self._speakers:
                speaker.system_fingerprint = self._checkpoint
            self._calls += 1
            call = self._calls
            self._load.began(call, 1)
            try:
                yield {CHECKPOINT_HEADER: self._checkpoint}
            finally:
                self._load.ended(call)

    async def _health(self) -> JSONResponse:
        """200 while the engine lives."""
        try:
            await self.check_health()
        except Exception:  # the engine's own, whatever it is; Serve's own check says more
            return JSONResponse({"status": "dead"}, status_code=503)
        return JSONResponse({"status": "alive"})

    async def _ready(self) -> JSONResponse:
        """200 while a request is answered at once; 503 while the replica takes another checkpoint."""
        ready = self._admission.is_open and not self._fault
        return JSONResponse({"status": "ready" if ready else "busy"}, status_code=200 if ready else 503)

    def _drain_s(self) -> float:
        return self._limits.drain_s


def completions_asked(body: Any) -> int:
    """How many completions a request of OpenAI's shape asks for; 1 for what has another shape, which vLLM refuses."""
    if not isinstance(body, dict):
        return 1
    n, prompt = body.get("n"), body.get("prompt")
    prompts = 1
    if isinstance(prompt, list) and not all(isinstance(each, int) for each in prompt):  # else the tokens of one
        prompts = len(prompt)
    return n * prompts if isinstance(n, int) else prompts
