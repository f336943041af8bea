"""Who may wait for what: inboxes of processes, and the flow that decides whether the socket is read.

One socket carries all processes. An inbox that nobody empties stops the reading, so that the engine holds what follows and in the
end the process waits; but not as long as somebody else waits for an answer or an event, up to a bound on all that is held.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakSet

from pie_client.backlog import Backlog
from pie_client.events import ProcessEvent
from pie_client.limits import HELD_BYTES_MAX

_log = logging.getLogger("pie_client")


class Flow:
    """Opens and closes the tap."""

    def __init__(self) -> None:
        self._full: WeakSet[Inbox] = WeakSet()
        self._waiters = 0
        self.stops = 0
        """How often reading was stopped."""
        self._readable = asyncio.Event()
        self._readable.set()

    async def readable(self) -> None:
        """Wait until the next frame may be read."""
        await self._readable.wait()

    @contextmanager
    def wanted(self) -> Iterator[None]:
        """Somebody waits for what is still in the socket."""
        self._waiters += 1
        self._decide()
        try:
            yield
        finally:
            self._waiters -= 1
            self._decide()

    def filled(self, inbox: "Inbox") -> None:
        self._full.add(inbox)
        self._decide()

    def drained(self, inbox: "Inbox") -> None:
        self._full.discard(inbox)
        self._decide()

    def _decide(self) -> None:
        if not self._full or (self._waiters and sum(inbox.size_bytes for inbox in self._full) < HELD_BYTES_MAX):
            self._readable.set()
        elif self._readable.is_set():
            self.stops += 1
            self._readable.clear()
            if self._waiters:
                _log.warning("not reading: %d processes have more unread events than fit", len(self._full))


class Inbox:
    """The events of one process on their way to its reader. Whoever holds it wants them: dropped, they are dropped too."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._backlog = Backlog()
        self._arrival: asyncio.Event | None = None

    @property
    def size_bytes(self) -> int:
        return self._backlog.size_bytes

    @property
    def ended(self) -> bool:
        """The terminal event has come. It may still be unread."""
        return self._backlog.ended

    def put(self, event: ProcessEvent) -> None:
        self._backlog.put(event)
        if self._arrival is not None:
            self._arrival.set()
        if self._backlog.full:
            self._flow.filled(self)

    def take(self) -> ProcessEvent | None:
        """The oldest event, if there is one."""
        was_full = self._backlog.full
        event = self._backlog.take()
        if was_full and not self._backlog.full:
            self._flow.drained(self)
        return event

    async def next(self) -> ProcessEvent | None:
        """The oldest event, waiting for one; None after the terminal one. Several may wait; cancelling loses nothing."""
        while (event := self.take()) is None and not self.ended:
            with self._flow.wanted():
                await self._arrived()
        return event

    async def _arrived(self) -> None:
        if self._arrival is None or self._arrival.is_set():
            self._arrival = asyncio.Event()
        await self._arrival.wait()
