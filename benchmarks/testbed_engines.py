"""The testbed's models on vLLM in this process, as `Generate`s, and problems that are solved with them many at once."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

from reasonflux.config import EngineSpec
from reasonflux.configuring import resolve_model
from reasonflux.distributed.checkpoints import checkpoint_digest
from reasonflux.distributed.engine_options import environment
from reasonflux.distributed.engine_server import EngineServer
from reasonflux.library.load import load_library
from reasonflux.library.resolve import Resolver
from reasonflux.protocols import Completion, Generate, Request, Sampling
from reasonflux.reasoning.methods import Role, Tools
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.testbed.library_file import LIBRARY_FILE

NAVIGATOR, REASONER, YARDSTICK = "interplay_navigator", "reasoner", "yardstick"
PLANS = Sampling(temperature=1.0, max_tokens=96)  # unchanged odds: plans and judgements as they were learnt
ANSWERS = Sampling(temperature=1.0, max_tokens=128)
SEQUENCES = 128  # of an engine at once
PROBLEMS_AT_ONCE = 256
Item = TypeVar("Item")
Result = TypeVar("Result")


def spec_of(name: str) -> EngineSpec:
    """How a model of the testbed is served here: one thread, float32."""
    model = resolve_model(f"testbed:{name}")
    return EngineSpec(model=model, device="cpu", dtype="float32", max_model_len=512, max_num_seqs=SEQUENCES)


@asynccontextmanager
async def engine(name: str) -> AsyncIterator[Role]:
    """One model of the testbed as a role; its process ends with the context."""
    spec = spec_of(name)
    os.environ.update(environment(spec))  # read when vLLM is imported, in the engine's process too
    checkpoint = checkpoint_digest(spec.model)
    server = EngineServer(spec, checkpoint)
    sampling = PLANS if name == NAVIGATOR else ANSWERS
    try:
        yield Role(generate=_generate_of(server), sampling=sampling, checkpoint=checkpoint)
    finally:
        server.close()


def _generate_of(server: EngineServer) -> Generate:
    async def generate(requests: Sequence[Request]) -> list[Completion]:
        found: dict[str, Completion] = {}
        async for finished in server.generate(requests):
            found |= {completion.id: completion for completion in finished}
        return [found[request.id] for request in requests]

    return generate


@asynccontextmanager
async def testbed_tools() -> AsyncIterator[Tools]:
    """Navigator and reasoner of the interplay, with the testbed's prompts and library."""
    library = load_library(str(LIBRARY_FILE))
    async with AsyncExitStack() as stack:
        navigator = await stack.enter_async_context(engine(NAVIGATOR))
        reasoner = await stack.enter_async_context(engine(REASONER))
        yield tools_for(navigator, reasoner, Resolver(library))


def tools_for(navigator: Role, reasoner: Role, resolver: Resolver | None) -> Tools:
    """What the methods are given on the testbed: no retrieval, since its plans name templates by themselves."""
    return Tools(navigator=navigator, reasoner=reasoner, prompts=PromptSet.load(), resolver=resolver)


async def over(items: Sequence[Item], work: Callable[[Item], Awaitable[Result]]) -> list[Result]:
    """`work` on every item, `PROBLEMS_AT_ONCE` in flight; results in the items' order."""
    gate = asyncio.Semaphore(PROBLEMS_AT_ONCE)

    async def one(item: Item) -> Result:
        async with gate:
            return await work(item)

    return await asyncio.gather(*[one(item) for item in items])
