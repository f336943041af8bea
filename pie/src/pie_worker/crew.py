"""How many threads compute a step: all, unless somebody else wants the cores.

Threads that share a product meet twice. They spin for a moment before they sleep (`limits.SPINS`), as being woken takes longer than
the next small operation does: without it a step of 100 M parameters takes 16 ms on two cores, with it 11. But where another process
has one of the cores, each meeting waits for a thread that is not running: 47 ms, where one thread alone takes 16. That shows at
once: threads that meet are hardly ever put to sleep or taken off their core, those that do not are, at every meeting.

What is computed does not depend on it: up to `limits.CREW_THREADS_MAX` threads, the products of a few rows are the same to the bit
by one thread and by all. With more they need not be, so then nothing changes while a model is served.
"""

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from pie_worker.limits import CREW_THREADS_MAX

_SWITCHES_MAX = 24
"""Of threads in one step: on quiet cores it has 1 to 17, beside a busy process 60 to 250."""
_ROWS_MAX = 64
"""Steps of more rows are always shared: they compute for so long between two meetings that these do not count."""
_ALONE_STEPS = 16
_ALONE_STEPS_MAX = 256
"""How long one thread computes alone before all are tried again: at first, and when the cores are never free."""


def _switches() -> int:
    """Of all threads of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_nvcsw + usage.ru_nivcsw


class Crew:
    """Not more than `threads`."""

    def __init__(
        self,
        threads: int,
        *,
        set_threads: Callable[[int], None] = torch.set_num_threads,
        switches: Callable[[], int] = _switches,
    ) -> None:
        self._threads = threads
        self._set_threads = set_threads
        self._switches = switches
        self._now = threads
        self._alone_left = 0
        self._alone_next = _ALONE_STEPS

    @contextmanager
    def step(self, rows: int) -> Iterator[None]:
        """Around a step that computes so many rows."""
        if not 1 < self._threads <= CREW_THREADS_MAX:
            yield
        elif rows > _ROWS_MAX:
            self._use(self._threads)
            yield
        elif self._alone_left:
            self._alone_left -= 1
            self._use(1)
            yield
        else:
            self._use(self._threads)
            before = self._switches()
            yield
            self._judge(self._switches() - before)

    def _judge(self, switches: int) -> None:
        if switches > _SWITCHES_MAX:
            self._alone_left = self._alone_next
            self._alone_next = min(2 * self._alone_next, _ALONE_STEPS_MAX)
        else:
            self._alone_next = max(self._alone_next // 2, _ALONE_STEPS)

    def _use(self, threads: int) -> None:
        if threads != self._now:
            self._now = threads
            self._set_threads(threads)
