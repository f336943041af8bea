"""Tells whoever waits that something was recorded: the controller, and the streams of the API.

It only says *that*; what has changed is read from the store. A wake-up that comes while nobody waits is not lost: it is a
count, and a waiter says up to where it has seen.
"""

import asyncio
import threading
from contextlib import suppress


class Wakeup:
    """Thread-safe; waiters may sit on any number of event loops."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = set()

    @property
    def count(self) -> int:
        """How often it was notified so far; what to give to `wait` next time. Read it before reading the store."""
        return self._count

    def notify(self) -> None:
        """Call it after a commit, from any thread."""
        with self._lock:
            self._count += 1
            waiting, self._waiting = self._waiting, set()
        for loop, future in waiting:
            with suppress(RuntimeError):  # the loop is closed: nobody waits there any more
                loop.call_soon_threadsafe(_wake, future)

    async def wait(self, after: int) -> int:
        """Return the count as soon as it is above `after`: at once if it already is. Bound it with `asyncio.timeout`."""
        while True:
            loop = asyncio.get_running_loop()
            with self._lock:
                if self._count > after:
                    return self._count
                entry = (loop, loop.create_future())
                self._waiting.add(entry)
            try:
                await entry[1]
            finally:
                with self._lock:
                    self._waiting.discard(entry)


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
