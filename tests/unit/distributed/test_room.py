"""A room holds so many requests, whole lists come in, and single ones leave."""

import asyncio

import pytest

from reasonflux.distributed.room import Room


async def entered(*entering: "asyncio.Task[None]") -> list[bool]:
    for _ in range(3):
        await asyncio.sleep(0)
    return [task.done() for task in entering]


async def test_the_next_list_begins_when_answers_leave_room_for_it() -> None:
    room = Room(6)
    await room.enter(4)
    second, third = asyncio.create_task(room.enter(4)), asyncio.create_task(room.enter(1))
    assert await entered(second, third) == [False, False], "nobody overtakes"
    room.leave()
    assert await entered(second, third) == [False, False]
    room.leave()
    assert await entered(second, third) == [True, False]
    room.leave(2)
    assert await entered(second, third) == [True, True]


async def test_a_list_larger_than_the_room_has_it_to_itself() -> None:
    room = Room(2)
    await room.enter(2)
    large, small = asyncio.create_task(room.enter(5)), asyncio.create_task(room.enter(1))
    room.leave()
    assert await entered(large, small) == [False, False]
    room.leave()
    assert await entered(large, small) == [True, False]
    room.leave(4)
    assert await entered(large, small) == [True, True]


async def test_who_is_cancelled_takes_no_place() -> None:
    room = Room(1)
    await room.enter(1)
    gone, next_one = asyncio.create_task(room.enter(1)), asyncio.create_task(room.enter(1))
    await entered(gone, next_one)
    gone.cancel()
    room.leave()
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert await entered(next_one) == [True]


async def test_who_is_cancelled_as_it_comes_in_gives_its_place_back() -> None:
    room = Room(1)
    await room.enter(1)
    gone, next_one = asyncio.create_task(room.enter(1)), asyncio.create_task(room.enter(1))
    await entered(gone, next_one)
    room.leave()  # lets `gone` in, which is cancelled before it runs again
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert await entered(next_one) == [True]
