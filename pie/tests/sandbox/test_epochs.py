import threading
import time

from pie.sandbox.epochs import EpochTicker


def test_it_ticks_while_a_guest_runs():
    ticks = threading.Semaphore(0)
    ticker = EpochTicker(ticks.release, lambda: True)
    for _ in range(200):  # many more than it would make before it falls asleep
        assert ticks.acquire(timeout=10)
    ticker.close()


def test_it_falls_asleep_without_guests_and_wakes_for_one():
    ticks = []
    ticker = EpochTicker(lambda: ticks.append(time.monotonic()), lambda: False)
    deadline = time.monotonic() + 10
    while not ticks or time.monotonic() - ticks[-1] < 0.2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    slept_after = len(ticks)
    ticker.notice()
    while len(ticks) == slept_after:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    ticker.close()


def test_closing_ends_the_thread_asleep_or_not_and_twice():
    for is_running in (True, False):
        ticker = EpochTicker(lambda: None, lambda value=is_running: value)
        time.sleep(0.15)
        ticker.close()
        ticker.close()
        assert not ticker._thread.is_alive()
