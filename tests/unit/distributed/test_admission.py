"""What runs ends before a swap, what comes meanwhile waits, and nobody waits for ever."""

import asyncio

from reasonflux.distributed.admission import Admission


async def test_who_comes_while_it_is_closed_waits_until_it_opens() -> None:
    admission, order = Admission(), []

    async def request(name: str, pause: asyncio.Event | None = None) -> None:
        async with admission.enter():
            if pause:
                await pause.wait()
            order.append(name)

    end = asyncio.Event()
    running = asyncio.create_task(request("running", end))
    await asyncio.sleep(0)
    async with admission.closed():
        late = asyncio.create_task(request("late"))
        assert not await admission.emptied(0.01)
        end.set()
        assert await admission.emptied(1)
        order.append("swap")
    await asyncio.gather(running, late)
    assert order == ["running", "swap", "late"]


async def test_a_request_that_is_cancelled_or_fails_leaves() -> None:
    admission = Admission()

    async def stuck() -> None:
        async with admission.enter():
            await asyncio.Event().wait()

    task = asyncio.create_task(stuck())
    await asyncio.sleep(0)
    task.cancel()
    assert await admission.emptied(1)


async def test_two_that_close_it_do_so_one_after_the_other() -> None:
    admission, inside = Admission(), 0

    async def close() -> None:
        nonlocal inside
        async with admission.closed():
            inside += 1
            assert inside == 1
            await asyncio.sleep(0.01)
            inside -= 1

    await asyncio.gather(*(close() for _ in range(3)))
    async with admission.enter():
        assert not await admission.emptied(0)
