import asyncio

import pytest

from pie.limits import WASI_POLLABLES_MAX
from pie.sandbox.interface import GuestTrap
from pie.wasi.poll import FuturePollable, Pollable, Signal, SignalPollable, block, poll, until_ready
from wasi.fakes import Switch


def waiting(pollables):
    """A poll that has to wait: its future."""
    future = poll(None, pollables)
    assert isinstance(future, asyncio.Future)
    return future


def test_all_that_are_ready_are_returned_without_waiting():
    assert poll(None, [Switch(on=True), Switch(), Pollable()]) == [0, 2]


async def test_poll_waits_for_the_first_to_become_ready():
    slow, fast = Switch(), Switch()
    future = waiting([slow, fast])
    fast.turn_on()
    assert await future == [1]


async def test_whoever_is_ready_at_the_wake_is_returned_too():
    first, second = Switch(), Switch()
    future = waiting([first, second])
    first.on = True
    second.turn_on()
    assert await future == [0, 1]


async def test_a_pollable_may_be_listed_twice():
    switch = Switch()
    future = waiting([switch, switch])
    switch.turn_on()
    assert await future == [0, 1]


async def test_nobody_is_watched_after_the_wait():
    switch, other = Switch(), Switch()
    future = waiting([switch, other])
    switch.turn_on()
    await future
    assert (switch.wake, other.wake) == (None, None)


async def test_a_false_wake_goes_on_waiting():
    switch = Switch()
    future = waiting([switch])
    switch.turn_on()
    assert future.done()
    switch = Switch()
    future = waiting([switch])
    switch.wake()
    assert not future.done()
    switch.turn_on()
    assert await future == [0]


async def test_a_wake_after_the_guest_is_gone_does_nothing():
    switch = Switch()
    waiting([switch]).cancel()
    switch.turn_on()


def test_an_empty_list_traps():
    with pytest.raises(GuestTrap, match="empty list"):
        poll(None, [])


def test_a_list_beyond_the_limit_traps():
    with pytest.raises(GuestTrap, match="4097 pollables"):
        poll(None, [Pollable()] * (WASI_POLLABLES_MAX + 1))


def test_block_returns_at_once_when_ready():
    assert block(None, Pollable()) is None


async def test_block_waits_until_ready():
    switch = Switch()
    blocked = asyncio.ensure_future(block(None, switch))
    await asyncio.sleep(0)
    assert not blocked.done()
    switch.turn_on()
    assert await blocked is None


async def test_a_future_pollable_is_ready_however_its_future_ends():
    for end in (lambda f: f.set_result(1), lambda f: f.set_exception(ValueError()), lambda f: f.cancel()):
        future = asyncio.get_running_loop().create_future()
        polled = waiting([FuturePollable(future)])
        end(future)
        assert await polled == [0]
        future.cancelled() or future.exception()


async def test_dropping_a_future_pollable_leaves_its_future_alone():
    future = asyncio.get_running_loop().create_future()
    pollable = FuturePollable(future)
    pollable.watch(lambda: pytest.fail("woken after the drop"))
    pollable.drop()
    future.set_result(None)
    await asyncio.sleep(0)


async def test_a_future_pollable_can_be_polled_again_and_again():
    future, other = asyncio.get_running_loop().create_future(), Switch()
    pollable = FuturePollable(future)
    for _ in range(3):
        other.on = False
        polled = waiting([pollable, other])
        other.turn_on()
        assert await polled == [1]
    other.on = False
    polled = waiting([pollable, other])
    future.set_result(None)
    assert await polled == [0]


async def test_a_signal_wakes_the_pollables_whose_condition_holds():
    signal, items = Signal(), []
    polled = waiting([SignalPollable(signal, lambda: bool(items))])
    signal.notify()
    assert not polled.done()
    items.append(1)
    signal.notify()
    assert await polled == [0]


async def test_a_signal_pollable_is_level_triggered():
    signal, items = Signal(), [1]
    pollable = SignalPollable(signal, lambda: bool(items))
    assert poll(None, [pollable]) == [0]
    assert poll(None, [pollable]) == [0]
    items.clear()
    polled = waiting([pollable])
    items.append(2)
    signal.notify()
    assert await polled == [0]


async def test_one_signal_wakes_every_guest_that_waits():
    signal, items = Signal(), []
    polled = [waiting([SignalPollable(signal, lambda: bool(items))]) for _ in range(3)]
    items.append(1)
    signal.notify()
    assert await asyncio.gather(*polled) == [[0], [0], [0]]


def test_a_dropped_signal_pollable_is_forgotten():
    signal = Signal()
    pollable = SignalPollable(signal, lambda: True)
    pollable.watch(lambda: pytest.fail("woken after the drop"))
    pollable.drop()
    signal.notify()


async def test_waiting_for_what_has_become_ready_in_the_meantime_ends_at_once() -> None:
    signal, ready = Signal(), False
    pollable = SignalPollable(signal, lambda: ready)

    async def wait() -> None:
        await until_ready(pollable)

    late = asyncio.create_task(wait())  # looks in the next turn of the loop
    ready = True
    signal.notify()
    await asyncio.wait_for(late, 5)
