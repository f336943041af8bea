"""The asyncio side of a process's event queue: producers wait for room, one consumer waits for events."""

import asyncio
import codecs
from collections import deque
from typing import Literal

from pie.processes.events import TERMINAL, EventQueue, ProcessEvent


class Outbox:
    """Carries the events of one process from its guest to whoever listens."""

    def __init__(self, queue: EventQueue) -> None:
        self._queue = queue
        self._waiting: deque[tuple[ProcessEvent, asyncio.Future[None]]] = deque()
        self._roomy: list[asyncio.Future[None]] = []
        self._consumer: asyncio.Future[None] | None = None
        queue.on_event = self._wake_consumer
        queue.on_room = self._use_room

    def room(self) -> int:
        return 0 if self._waiting else self._queue.room()

    def put(self, event: ProcessEvent) -> None:
        """Add an event now. For producers that asked for room, and for the terminal event."""
        self._queue.put(event)

    def send(self, event: ProcessEvent) -> asyncio.Future[None] | None:
        """Add an event, after those that wait already. None: done; else a future that ends once it was added."""
        if self._queue.ended:
            return None
        if self.room() > 0:
            self._queue.put(event)
            return None
        added: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((event, added))
        return added

    def roomy(self) -> asyncio.Future[None]:
        """A future that ends when there is room. It promises nothing: ask `room` again."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.room() > 0:
            future.set_result(None)
        else:
            self._roomy.append(future)
        return future

    async def take(self) -> ProcessEvent | None:
        """The next event; None after the terminal one. One consumer at a time."""
        while (event := self._queue.take()) is None:
            if self._queue.ended:
                return None
            self._consumer = asyncio.get_running_loop().create_future()
            await self._consumer
        return event

    def end(self, event: ProcessEvent) -> None:
        """Add the terminal event. Producers that still wait are let go, their events dropped: their guest is gone."""
        assert event.kind in TERMINAL
        self._queue.put(event)
        waiting, self._waiting = self._waiting, deque()
        for _, added in waiting:
            _finish(added)
        self._let_in()

    def _use_room(self) -> None:
        while self._waiting and self._queue.room() > 0:
            event, added = self._waiting.popleft()
            if not added.cancelled():
                self._queue.put(event)
                _finish(added)
        if self.room() > 0:
            self._let_in()

    def _let_in(self) -> None:
        roomy, self._roomy = self._roomy, []
        for future in roomy:
            _finish(future)

    def _wake_consumer(self) -> None:
        if self._consumer is not None:
            _finish(self._consumer)


class OutputText:
    """Turns the bytes that a guest writes to stdout or stderr into events, never splitting a character."""

    def __init__(self, outbox: Outbox, kind: Literal["stdout", "stderr"]) -> None:
        self._outbox = outbox
        self._kind: Literal["stdout", "stderr"] = kind
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def room(self) -> int:
        """Bytes that may be written now."""
        return self._outbox.room()

    def write(self, data: bytes) -> None:
        """Take the bytes. The caller has asked for room."""
        text = self._decoder.decode(data)
        if text:
            self._outbox.put(ProcessEvent(self._kind, text))

    def roomy(self) -> asyncio.Future[None]:
        """A future that ends when there is room again."""
        return self._outbox.roomy()


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
