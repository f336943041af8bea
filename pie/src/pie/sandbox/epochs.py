"""The clock that makes guests pause: a thread that advances the engine's epoch while guests run.

Compiled guest code compares the epoch with its deadline at every loop head and function entry, which costs next to nothing. The
thread needs Python's global lock for a moment per tick; guests run without holding it. When no guest has run for a while the thread
sleeps until one does.
"""

import os
import threading
from collections.abc import Callable
from contextlib import suppress

from pie.limits import SANDBOX_IDLE_TICKS, SANDBOX_TICK_S


class EpochTicker:
    """Calls `advance` every tick while guests run."""

    def __init__(self, advance: Callable[[], None], is_running: Callable[[], bool]) -> None:
        self._advance = advance
        self._is_running = is_running
        self._noticed = 0
        self._asleep = False
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pie-epochs", daemon=True)
        self._thread.start()

    def notice(self) -> None:
        """A guest is about to run, and `is_running()` says so. Called by the loop's thread."""
        # Python's global lock orders the two threads: either this sees `_asleep`, or the thread sees that a guest runs.
        self._noticed += 1
        if self._asleep:
            self._asleep = False
            self._wake.set()

    def close(self) -> None:
        """Safe to call twice."""
        self._stop.set()
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        _hurry()
        seen, idle = 0, 0
        while not self._stop.wait(SANDBOX_TICK_S):
            self._advance()
            idle = idle + 1 if seen == self._noticed and not self._is_running() else 0
            seen = self._noticed
            if idle >= SANDBOX_IDLE_TICKS:
                self._sleep(seen)

    def _sleep(self, seen: int) -> None:
        self._wake.clear()
        self._asleep = True
        if seen == self._noticed and not self._stop.is_set():
            self._wake.wait()
        self._asleep = False


def _hurry() -> None:
    """Run this thread as soon as it wakes, where the system lets us.

    On busy processors Linux may leave a woken thread waiting for some scheduler ticks (8 to 20 ms were seen), and every slice would
    be that much longer. This thread takes some 10 µs per tick, so nobody notices that it goes first.
    """
    with suppress(AttributeError, OSError):  # not Linux, or not privileged
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
