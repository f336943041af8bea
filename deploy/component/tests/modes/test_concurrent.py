"""Async functions: several at once, results in order."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from component_modes import Bench

from pie_component.async_thread import AsyncThread
from pie_component.modes.concurrent import ConcurrentMode
from pie_flow.envelope import Failure


@pytest.fixture
def async_thread() -> Iterator[AsyncThread]:
    thread = AsyncThread()
    yield thread
    thread.close(10)


def mode(bench: Bench, thread: AsyncThread, function: Any, calls_max: int = 4) -> ConcurrentMode:
    return ConcurrentMode(
        function,
        bench.queues,
        bench.emitter,
        bench.counters,
        submit=thread.submit,
        wake=lambda: None,
        calls_max=calls_max,
    )


def settle(bench: Bench, running: ConcurrentMode) -> None:
    deadline_s = time.monotonic() + 20
    while running.tick() or running.is_busy:
        assert time.monotonic() < deadline_s
        time.sleep(0.0005)


def test_results_keep_the_order_of_the_messages(async_thread: AsyncThread) -> None:
    bench = Bench()
    bench.send(3, 1, 2, 0)

    async def wait(value: int) -> int:
        await asyncio.sleep(value / 100)
        return value

    settle(bench, mode(bench, async_thread, wait))
    assert bench.values == [3, 1, 2, 0]


def test_no_more_calls_are_under_way_than_allowed(async_thread: AsyncThread) -> None:
    bench = Bench()
    bench.send(*range(20))
    running: list[int] = []
    most = 0

    async def note(value: int) -> int:
        nonlocal most
        running.append(value)
        most = max(most, len(running))
        await asyncio.sleep(0.001)
        running.remove(value)
        return value

    settle(bench, mode(bench, async_thread, note, calls_max=3))
    assert bench.values == list(range(20))
    assert most == 3


def test_a_call_that_raises_is_a_failure_in_its_place(async_thread: AsyncThread) -> None:
    bench = Bench()
    bench.send(1, 0, 2, correlation=8)

    async def divide(value: int) -> int:
        return 2 // value

    settle(bench, mode(bench, async_thread, divide))
    assert [type(value) for value in bench.values] == [int, Failure, int]


def test_a_failure_keeps_its_place(async_thread: AsyncThread) -> None:
    bench = Bench()
    failure = Failure("before", "no")
    bench.send(1, failure, 2)

    async def wait(value: int) -> int:
        await asyncio.sleep(0.01)
        return value

    settle(bench, mode(bench, async_thread, wait))
    assert bench.values == [1, failure, 2]


def test_an_async_generator_gives_several_results(async_thread: AsyncThread) -> None:
    bench = Bench()
    bench.send(2, 3)

    async def count(value: int) -> AsyncIterator[int]:
        for number in range(value):
            yield number

    settle(bench, mode(bench, async_thread, count))
    assert bench.values == [0, 1, 0, 1, 2]
