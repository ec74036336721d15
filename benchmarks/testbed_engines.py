"""The testbed's models on vLLM in this process, as `Generate`s, and problems that are solved with them many at once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from reasonflux.checkpoints import checkpoint_digest
from reasonflux.configuring import resolve_model
from reasonflux.distributed.roles import Engines
from reasonflux.library.load import load_library
from reasonflux.library.resolve import Resolver
from reasonflux.protocols import Sampling
from reasonflux.reasoning.methods import Role, Tools
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.testbed.library_file import LIBRARY_FILE

NAVIGATOR, REASONER, YARDSTICK = "interplay_navigator", "reasoner", "yardstick"
PLANS = Sampling(temperature=1.0, max_tokens=96)  # unchanged odds: plans and judgements as they were learnt
ANSWERS = Sampling(temperature=1.0, max_tokens=128)
ENGINE = {"device": "cpu", "max_num_seqs": 128}
DEADLINE_S = 300.0  # of one completion
PROBLEMS_AT_ONCE = 256
Item = TypeVar("Item")
Result = TypeVar("Result")


@asynccontextmanager
async def roles(*names: str) -> AsyncIterator[list[Role]]:
    """Models of the testbed, each on an engine of its own with one thread; the engines end with the context."""
    engines = Engines(ENGINE, DEADLINE_S)
    models = [f"testbed:{name}" for name in names]
    try:
        yield [
            Role(
                generate=generate,
                sampling=PLANS if name == NAVIGATOR else ANSWERS,
                checkpoint=checkpoint_digest(resolve_model(model)),
            )
            for name, model, generate in zip(names, models, engines.generates(models), strict=True)
        ]
    finally:
        engines.stop()


@asynccontextmanager
async def testbed_tools() -> AsyncIterator[Tools]:
    """Navigator and reasoner of the interplay, with the testbed's prompts and library."""
    resolver = Resolver(load_library(str(LIBRARY_FILE)))
    async with roles(NAVIGATOR, REASONER) as (navigator, reasoner):
        yield tools_for(navigator, reasoner, resolver)


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
