import asyncio
import threading

import pytest

from pie_deploy.services.wakeup import Wakeup


async def test_a_notification_from_another_thread_wakes_a_waiter() -> None:
    wakeup = Wakeup()
    waiter = asyncio.create_task(wakeup.wait(0))
    await asyncio.sleep(0)
    threading.Thread(target=wakeup.notify).start()
    assert await asyncio.wait_for(waiter, 30) == 1


async def test_what_came_before_the_wait_is_not_lost() -> None:
    wakeup = Wakeup()
    seen = wakeup.count
    wakeup.notify()
    wakeup.notify()
    assert await wakeup.wait(seen) == 2


async def test_all_waiters_wake() -> None:
    wakeup = Wakeup()
    waiters = [asyncio.create_task(wakeup.wait(0)) for _ in range(3)]
    await asyncio.sleep(0)
    wakeup.notify()
    assert await asyncio.wait_for(asyncio.gather(*waiters), 30) == [1, 1, 1]


async def test_a_waiter_that_gives_up_is_forgotten() -> None:
    wakeup = Wakeup()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await wakeup.wait(0)
    wakeup.notify()
    assert await wakeup.wait(0) == 1


def test_a_loop_that_has_ended_is_no_trouble() -> None:
    wakeup = Wakeup()

    async def begin() -> None:
        task = asyncio.create_task(wakeup.wait(0))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(begin())
    wakeup.notify()
    assert wakeup.count == 1
