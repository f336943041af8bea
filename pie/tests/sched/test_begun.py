import asyncio

import pytest

from pie.sched.begun import Begun


async def awaited(begun):
    return await begun


async def test_the_first_step_is_taken_at_once():
    steps = []

    async def work():
        steps.append("first")
        await asyncio.sleep(0)
        steps.append("second")
        return 7

    task = asyncio.create_task(awaited(Begun(work())))
    assert steps == ["first"]
    assert await task == 7 and steps == ["first", "second"]


async def test_what_ends_at_once_is_awaited_like_anything_else():
    async def work():
        return 3

    assert await Begun(work()) == 3


async def test_an_error_in_the_first_step_comes_when_awaited():
    async def work():
        raise ValueError("no")

    begun = Begun(work())
    with pytest.raises(ValueError, match="no"):
        await begun


async def test_an_error_of_what_is_waited_for_arrives_inside():
    future = asyncio.get_running_loop().create_future()

    async def work():
        try:
            await future
        except KeyError:
            return "seen"

    task = asyncio.create_task(awaited(Begun(work())))
    future.set_exception(KeyError())
    assert await task == "seen"


async def test_cancelling_the_task_cancels_the_coroutine():
    ended = []

    async def work():
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    task = asyncio.create_task(awaited(Begun(work())))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == [True]


async def test_locks_and_many_waits_work():
    lock = asyncio.Lock()
    order = []

    async def work(name):
        async with lock:
            for _ in range(3):
                await asyncio.sleep(0)
            order.append(name)

    await asyncio.gather(*[asyncio.create_task(awaited(Begun(work(name)))) for name in "abc"])
    assert order == ["a", "b", "c"]
