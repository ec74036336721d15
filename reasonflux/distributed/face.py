"""`ReasonFlux`: models in, solutions out, in a script as in a notebook.

Everything asynchronous runs in one event loop in a thread of its own, so that a caller may have a running loop or none.
"""

import asyncio
import threading
import weakref
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from reasonflux.config import RetrievalConfig
from reasonflux.configuring import TESTBED_PREFIX
from reasonflux.distributed.roles import Engines, Named
from reasonflux.errors import BadInput
from reasonflux.identity import digest
from reasonflux.library.load import TESTBED, TemplateLibrary, load_library
from reasonflux.library.resolve import Resolver
from reasonflux.library.retrieval import open_retrieval
from reasonflux.protocols import Generate, Retrieve, Sampling
from reasonflux.reasoning.methods import Method, Role, Tools
from reasonflux.reasoning.methods.guided import Guided
from reasonflux.reasoning.methods.interplay import Interplay
from reasonflux.reasoning.methods.settings import require_prompts
from reasonflux.reasoning.methods.styles import STYLES, Style
from reasonflux.reasoning.parsing import PlanFormat
from reasonflux.reasoning.prompt_set import PLAIN, PromptSet
from reasonflux.records import Decision, Exchange, Problem, Solution

Observe = Callable[[Exchange | Decision], None]
T = TypeVar("T")
STOP_S = 10.0  # for engines to end
EMBEDDINGS = Path.home() / ".cache" / "reasonflux" / "embeddings"  # by model and library
TESTBED_ROLES = ("testbed:interplay_navigator", "testbed:reasoner")  # the navigator that has learnt to evaluate


class ReasonFlux:
    """Navigator and reasoner over a template library; every problem is answered by itself, without a memory of others.

    Each of `navigator_path` and `inference_path` is a model directory or Hub id (vLLM in this process), `testbed:NAME`,
    `serve:APPLICATION` or a Serve handle, a base URL with its model (`http://host:8000/v1#model`), or any `Generate`.
    Two roles with one name share one engine; `inference_path` None is the navigator's, or the testbed's own reasoner.
    Without any, the testbed's models.
    """

    def __init__(
        self,
        navigator_path: Named = None,
        template_matcher_path: str | Path | None = None,
        inference_path: Named = None,
        template_path: str | Path | None = None,
        *,
        method: Method | None = None,
        prompts: str | Path | None = None,
        plan_format: PlanFormat | None = None,
        navigator_sampling: Sampling | None = None,
        inference_sampling: Sampling | None = None,
        retrieve: Retrieve | None = None,
        engine: Mapping[str, Any] | None = None,
        deadline_s: float = 600.0,
    ) -> None:
        """Checks all that can be checked, then starts the engines; raises `BadInput` or `EngineError`.

        `template_path`: library file or URI; `template_matcher_path`: sentence-embedding model that retrieves from it,
        unless `retrieve` does, whose `digest`, where it has one, is part of a solution's identity. `prompts`: a shipped
        set, which brings its method, plan format and sampling (`methods.styles`), or a directory, which gets v1's.
        `engine`: fields of `EngineSpec`. `deadline_s`: of one completion.
        """
        navigator = navigator_path or TESTBED_ROLES[0]
        testbed = str(navigator).startswith(TESTBED_PREFIX)
        reasoner = inference_path or (TESTBED_ROLES[1] if testbed else navigator)
        prompts = prompts or (PLAIN if testbed else "v1")
        style = STYLES.get(str(prompts), STYLES["v1"])
        self.method = method or _method(style, str(navigator))
        loaded = PromptSet.load(prompts)
        require_prompts(self.method, loaded)
        source = str(template_path) if template_path else TESTBED if testbed else None
        library = load_library(source) if source else None
        binds = library and (plan_format or style.plan_format) == "templates"
        retrieve = retrieve or _retriever(library, template_matcher_path)
        roles = self._start(Engines(engine or {}, deadline_s), navigator, reasoner)
        self._tools = Tools(
            navigator=Role(generate=roles[0], sampling=navigator_sampling or style.navigator),
            reasoner=Role(generate=roles[1], sampling=inference_sampling or style.reasoner),
            prompts=loaded,
            plan_format=plan_format or style.plan_format,
            resolver=Resolver(library) if library and binds else None,
            retrieve=retrieve,
            library=digest(*[getattr(searched, "digest", "") for searched in (library, retrieve)]),
        )

    def _start(self, engines: Engines, *named: Named) -> list[Generate]:
        self._loop = _Loop()
        self._stop = weakref.finalize(self, _stop, engines, self._loop)
        try:
            return self._loop.submit(_in_loop(engines, named)).result()
        except BaseException:
            self._stop()
            raise

    def reason(self, problem: str | Problem, max_iter: int = 10, observe: Observe | None = None) -> Solution:
        """The solution of one problem; works inside a running event loop too, which it blocks.

        `max_iter` bounds the rounds of interplay. `observe` is told of each exchange and decision as it happens, in
        another thread. Raises `BadInput` for an empty problem; what goes wrong later is the solution's `failure`.
        """
        return self._submit(problem, max_iter, observe).result()

    async def areason(self, problem: str | Problem, max_iter: int = 10, observe: Observe | None = None) -> Solution:
        """`reason` for a notebook or server: many at once share the engine's batches."""
        return await asyncio.wrap_future(self._submit(problem, max_iter, observe))

    def close(self) -> None:
        """Stops the engines that were started here; at the process's end that happens by itself."""
        self._stop()

    def __enter__(self) -> "ReasonFlux":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _submit(self, problem: str | Problem, max_iter: int, observe: Observe | None) -> "Future[Solution]":
        if not self._stop.alive:
            raise BadInput("this ReasonFlux is closed", "Make another one")
        asked = as_problem(problem)
        method = replace(self.method, rounds=max_iter) if isinstance(self.method, Interplay) else self.method
        return self._loop.submit(method(asked, replace(self._tools, observe=observe)))


def as_problem(problem: str | Problem) -> Problem:
    """A statement as a record. Raises `BadInput` for an empty one."""
    if isinstance(problem, str):
        problem = Problem(id=digest("problem", problem), text=problem, gold="", problem_set="")
    if not problem.text.strip():
        raise BadInput("the problem is empty", "Give its statement as text")
    return problem


class _Loop:
    """An event loop that runs in a thread until it is stopped."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="reasonflux", daemon=True)
        self._thread.start()

    def submit(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def finish(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs `work`, then ends the loop and its thread; waits for that, unless this is the very thread."""
        future = self.submit(work)
        future.add_done_callback(lambda _: self._loop.call_soon_threadsafe(self._loop.stop))
        if threading.current_thread() is not self._thread:
            self._thread.join(STOP_S)


async def _in_loop(engines: Engines, named: Sequence[Named]) -> list[Generate]:
    """Engines belong to the loop that they are made in."""
    return engines.generates(named)


def _stop(engines: Engines, loop: _Loop) -> None:
    loop.finish(_close(engines))


async def _close(engines: Engines) -> None:
    """Inside the loop, so that the engines' own tasks are cancelled before they see their engine gone."""
    engines.stop()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def _method(style: Style, navigator: str) -> Method:
    """The style's; the testbed's starting navigator has not learnt to evaluate, so that it only plans."""
    return Guided() if navigator == f"{TESTBED_PREFIX}navigator" else style.method


def _retriever(library: TemplateLibrary | None, matcher: str | Path | None) -> Retrieve | None:
    if matcher is None:
        return None
    if library is None:
        raise BadInput("template_matcher_path retrieves from a library, and there is none", "Give template_path too")
    return open_retrieval(library, RetrievalConfig(model=str(matcher), cache=str(EMBEDDINGS)))
