"""Texts that the client sends to a process, in order, bounded."""

import asyncio
from collections import deque

from pie.errors import InvalidArgumentError
from pie.limits import INBOX_TEXTS_MAX


class Inbox:
    """First in, first out. Receivers are served in the order they asked."""

    def __init__(self) -> None:
        self._texts: deque[str] = deque()
        self._receivers: deque[asyncio.Future[str | None]] = deque()
        self._roomy: list[asyncio.Future[None]] = []
        self._closed = False

    def put(self, text: str) -> None:
        """Raises `InvalidArgumentError` when more texts wait than the process may leave unread."""
        while self._receivers:
            receiver = self._receivers.popleft()
            if not receiver.done():
                receiver.set_result(text)
                return
        if self._is_full:
            raise InvalidArgumentError(f"the process has {INBOX_TEXTS_MAX} unread texts; it must receive some first")
        self._texts.append(text)

    def give_back(self, text: str) -> None:
        """A text that was received and not looked at: the next one that is received."""
        while self._receivers:
            receiver = self._receivers.popleft()
            if not receiver.done():
                receiver.set_result(text)
                return
        self._texts.appendleft(text)

    async def send(self, text: str) -> None:
        """As `put`, waiting for room. One sender at a time, or their texts may change places."""
        while self._is_full:
            room: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._roomy.append(room)
            await room
        self.put(text)

    def receive(self) -> asyncio.Future[str | None]:
        """The next text; None once the client has closed its side and everything was received."""
        receiver: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        if self._texts:
            receiver.set_result(self._texts.popleft())
            self._let_in()
        elif self._closed:
            receiver.set_result(None)
        else:
            self._receivers.append(receiver)
        return receiver

    def close(self) -> None:
        """No text will follow."""
        self._closed = True
        while self._receivers:
            receiver = self._receivers.popleft()
            if not receiver.done():
                receiver.set_result(None)

    @property
    def _is_full(self) -> bool:
        return len(self._texts) >= INBOX_TEXTS_MAX

    def _let_in(self) -> None:
        roomy, self._roomy = self._roomy, []
        for room in roomy:
            if not room.done():
                room.set_result(None)
