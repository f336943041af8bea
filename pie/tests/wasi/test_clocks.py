import asyncio

import pytest

from pie.clock import ManualClock, SystemClock
from pie.wasi.clocks import (
    Datetime,
    monotonic_now,
    monotonic_resolution,
    subscribe_duration,
    subscribe_instant,
    wall_now,
    wall_resolution,
)
from pie.wasi.poll import poll
from wasi.fakes import process

U64_MAX = (1 << 64) - 1


def test_the_clocks_are_those_of_the_process():
    state = process(clock=ManualClock(5_000_000_007))
    assert monotonic_now(state) == 5_000_000_007
    assert wall_now(state) == Datetime(seconds=5, nanoseconds=7)


def test_both_clocks_count_in_nanoseconds():
    assert monotonic_resolution(process()) == 1
    assert wall_resolution(process()) == Datetime(seconds=0, nanoseconds=1)


def test_a_time_before_1970_shows_as_1970():
    assert Datetime.from_ns(-1) == Datetime(seconds=0, nanoseconds=0)


def test_a_timer_is_ready_from_its_instant_on():
    clock = ManualClock(100)
    timer = subscribe_instant(process(clock=clock), 150)
    assert not timer.ready()
    clock.advance(50)
    assert timer.ready()


def test_a_duration_counts_from_now():
    clock = ManualClock(100)
    timer = subscribe_duration(process(clock=clock), 50)
    clock.advance(49)
    assert not timer.ready()
    clock.advance(1)
    assert timer.ready()


def test_an_instant_in_the_past_is_ready():
    assert subscribe_instant(process(), 0).ready()


async def test_a_sleep_takes_at_least_its_time():
    clock = SystemClock()
    start_ns = clock.monotonic_ns()
    await poll(None, [subscribe_duration(process(), 3_000_000)])
    assert clock.monotonic_ns() - start_ns >= 3_000_000


async def test_sleeps_run_side_by_side():
    state = process()
    woken = await asyncio.gather(*[poll(None, [subscribe_duration(state, ms * 1_000_000)]) for ms in (5, 3, 1)])
    assert woken == [[0], [0], [0]]


async def test_the_earliest_timer_of_a_poll_wakes_it():
    state = process()
    assert await poll(None, [subscribe_duration(state, U64_MAX), subscribe_duration(state, 1_000_000)]) == [1]


@pytest.mark.parametrize("subscribe", [subscribe_duration, subscribe_instant])
async def test_a_timer_may_be_as_far_off_as_the_type_allows(subscribe):
    timer = subscribe(process(), U64_MAX)
    future = poll(None, [timer])
    await asyncio.sleep(0)
    assert not future.done()
    timer.drop()


async def test_a_dropped_timer_leaves_nothing_in_the_loop():
    timer = subscribe_duration(process(), 10**12)
    timer.watch(lambda: None)
    timer.drop()
    assert timer._handle is None
