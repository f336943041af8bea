import asyncio
import time
from typing import Any

import pytest
from scripted_engine import Engine, Run, Timed

from inferlet import _host as host
from inferlet import _loop
from inferlet._loop import running_loop


def pollable_at(now_ns: Any) -> Any:
    return host.poll.Pollable(Timed(lambda: now_ns))


async def wait_until(now_ns: Any) -> Any:
    with pollable_at(now_ns) as pollable:
        await running_loop().wait(pollable)


def test_sleeping_waits_in_the_engine_for_as_long_as_asked(engine: Engine, run: Run) -> None:
    run(asyncio.sleep(1.5))
    assert engine.now_ns == pytest.approx(1_500_000_000, abs=10)
    assert engine.calls == ["subscribe-duration", "poll"]


def test_one_poll_waits_for_everything_that_is_waited_for(engine: Engine, run: Run) -> None:
    async def main():
        await asyncio.gather(wait_until(30), wait_until(20), asyncio.sleep(1))

    run(main())
    assert engine.count("poll") == 3


def test_tasks_go_on_in_the_order_in_which_the_engine_is_ready(engine: Engine, run: Run) -> None:
    order = []

    async def note(at):
        await wait_until(at)
        order.append(at)

    async def main():
        await asyncio.gather(note(30), note(10), note(20))

    run(main())
    assert order == [10, 20, 30]


def test_a_task_by_itself_is_alone(run: Run) -> None:
    async def main():
        return running_loop().alone()

    assert run(main()) is True


@pytest.mark.parametrize("other", [asyncio.sleep(1), wait_until(50), asyncio.sleep(0)], ids=["sleeping", "waiting", "ready"])
def test_a_task_is_not_alone_while_another_one_has_something_to_come(run: Run, other: Any) -> None:
    async def main():
        task = asyncio.create_task(other)
        await asyncio.sleep(0)
        alone = running_loop().alone()
        await task
        return alone

    assert run(main()) is False


def test_a_task_is_alone_again_after_a_timeout_that_did_not_strike(run: Run) -> None:
    async def main():
        await asyncio.wait_for(wait_until(50), timeout=1000)
        return running_loop().alone()

    assert run(main()) is True


def test_a_timeout_cancels_a_wait_and_gives_its_pollable_back(engine: Engine, run: Run) -> None:
    async def main():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(wait_until(10**12), timeout=0.001)
        return running_loop()._waits

    assert not run(main())
    assert engine.live["Pollable"] == 0


def test_queues_and_events_work_between_tasks(run: Run) -> None:
    async def produce(queue):
        for number in range(3):
            await asyncio.sleep(0.01)
            await queue.put(number)

    async def main():
        queue = asyncio.Queue()
        async with asyncio.TaskGroup() as group:
            group.create_task(produce(queue))
            return [await queue.get() for _ in range(3)]

    assert run(main()) == [0, 1, 2]


def test_a_spinning_task_does_not_starve_one_that_waits_for_the_engine(run: Run) -> None:
    async def main():
        waiting = asyncio.create_task(wait_until(0))
        turns = 0
        while not waiting.done():
            await asyncio.sleep(0)
            turns += 1
        return turns

    assert run(main()) < 200


def test_tasks_that_wait_for_each_other_fail_instead_of_hanging(run: Run) -> None:
    async def main():
        await asyncio.Event().wait()

    with pytest.raises(RuntimeError, match="nothing can happen any more"):
        run(main())


def test_the_failure_of_a_forgotten_task_is_printed(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    async def fail():
        raise ValueError("lost and found")

    async def main():
        task = asyncio.create_task(fail())
        await asyncio.sleep(0)
        del task
        await asyncio.sleep(0)

    run(main())
    assert "lost and found" in capsys.readouterr().err


def test_an_asynchronous_generator_that_is_let_go_of_is_closed(run: Run) -> None:
    closed = []

    async def numbers():
        try:
            yield 1
            yield 2
        finally:
            closed.append(True)

    async def main():
        async for _ in numbers():
            break
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    run(main())
    assert closed == [True]


def test_tasks_left_behind_are_cancelled_and_waited_for(engine: Engine) -> None:
    seen = []

    async def linger():
        try:
            await asyncio.sleep(1e6)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def main():
        main.task = asyncio.create_task(linger())
        await asyncio.sleep(0)
        return "done"

    assert _loop.run(main()) == "done"
    assert seen == ["cancelled"]


def test_a_closed_loop_refuses_to_run(engine: Engine) -> None:
    loop = _loop.GuestLoop(time.monotonic)
    loop.close()
    forgotten = asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="closed"):
        loop.run_until_complete(forgotten)
    forgotten.close()
