"""The application `reasonflux`: a chat's one problem is answered through a method, over two other applications.

It speaks OpenAI's chat completions, so that what evaluates a model evaluates the method. While a solution is in the
making a stream carries each exchange and decision as it happens, as reasoning.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from reasonflux.distributed.access import AccessControl, Refusal, keys_here
from reasonflux.distributed.chat_answers import DONE, Answer, Chat, refusal_of, told
from reasonflux.distributed.face import Observe, ReasonFlux
from reasonflux.evals.suite import build_method
from reasonflux.reasoning.methods import Method
from reasonflux.reasoning.methods.styles import STYLES
from reasonflux.records import Problem, Solution
from reasonflux.serving import SolverSpec

Solve = Callable[[Problem, Observe], Awaitable[Solution]]
Ready = Callable[[], Awaitable[bool]]


class SolverServer:
    """One replica of a method; its engines are asked through handles, and found when they are first asked."""

    def __init__(self, spec: SolverSpec) -> None:
        """Raises `BadInput` for a setting that cannot be used, and where others reach it and there is no key."""
        self._keys = keys_here()
        self._spec = spec
        self._flux = _flux(spec)

    async def __serve_build_asgi_app__(self) -> AccessControl:
        """Called by Serve after the constructor."""
        from ray import serve

        app = solver_app(serve.get_replica_context().app_name, self._solve, self._ready)
        return AccessControl(app, self._spec.http, self._keys, _admit)

    async def _solve(self, problem: Problem, observe: Observe) -> Solution:
        rounds = getattr(self._flux.method, "rounds", 0)  # the method's own
        return await self._flux.areason(problem, rounds, observe)

    async def _ready(self) -> bool:
        from reasonflux.distributed.engines import running

        engines = {self._spec.navigator, self._spec.reasoner}
        return await asyncio.to_thread(running, engines) == engines


def solver_app(name: str, solve: Solve, ready: Ready) -> Starlette:
    """Routes over any way to solve a problem; `name` is the model's."""

    async def models(_: Request) -> Response:
        card = {"id": name, "object": "model", "created": 0, "owned_by": "reasonflux"}
        return JSONResponse({"object": "list", "data": [card]})

    async def chat(request: Request) -> Response:
        try:
            asked = Chat.read(await request.body(), name)
            problem = asked.problem
            if asked.stream:
                events = _events(Answer(name), asked, solve, problem)
                return StreamingResponse(events, media_type="text/event-stream")
            thoughts: list[str] = []
            solution = await solve(problem, lambda what: thoughts.append(told(what)))
            if refusal := refusal_of(solution):
                raise refusal
            return JSONResponse(Answer(name).whole(solution, "".join(thoughts)))
        except Refusal as refusal:
            return refusal.response

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def is_ready(_: Request) -> Response:
        yes = await ready()
        return JSONResponse({"status": "ready" if yes else "busy"}, status_code=200 if yes else 503)

    return Starlette(
        routes=[
            Route("/v1/models", models),
            Route("/v1/chat/completions", chat, methods=["POST"]),
            Route("/health", health),
            Route("/ready", is_ready),
        ]
    )


async def _events(answer: Answer, asked: Chat, solve: Solve, problem: Problem) -> AsyncIterator[str]:
    """The stream of one solution. `solve` may tell of its progress from another thread."""
    loop = asyncio.get_running_loop()
    thoughts: asyncio.Queue[str] = asyncio.Queue()

    def observe(what: Any) -> None:
        loop.call_soon_threadsafe(thoughts.put_nowait, told(what))

    solving = asyncio.ensure_future(solve(problem, observe))
    solving.add_done_callback(lambda _: thoughts.put_nowait(""))
    try:
        yield answer.beginning()
        while thought := await thoughts.get():
            yield answer.thought(thought)
        solution = await solving
        if refusal := refusal_of(solution):
            yield refusal.event + DONE
            return
        usage = asked.stream_options is not None and asked.stream_options.include_usage
        yield answer.ending(solution, usage)
    finally:
        solving.cancel()  # the client has left


@asynccontextmanager
async def _admit() -> AsyncIterator[dict[str, str]]:
    yield {}


def method_of(spec: SolverSpec) -> Method:
    """The method of a spec, or that of its prompts; raises `BadInput` for a setting that it does not have."""
    own = STYLES.get(spec.prompts, STYLES["v1"]).method
    return build_method(own.name, spec.method) if spec.method else own


def _flux(spec: SolverSpec) -> ReasonFlux:
    from reasonflux.distributed.engine_client import EngineClient
    from reasonflux.distributed.gathering import Gathering

    engines = {
        name: Gathering(EngineClient(name, deadline_s=spec.deadline_s).stream)
        for name in {spec.navigator, spec.reasoner}
    }
    return ReasonFlux(
        navigator_path=engines[spec.navigator],
        inference_path=engines[spec.reasoner],
        template_path=spec.library,
        template_matcher_path=spec.matcher,
        prompts=spec.prompts,
        method=method_of(spec),
    )
