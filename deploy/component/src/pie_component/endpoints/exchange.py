"""One request or WebSocket that a handler of the component's own has: two streams under credit, between the thread of the link and
that of the handler.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from pie_component.errors import GoneError
from pie_flow.endpoint_link import (
    BODY_BYTES_MAX,
    PIECE_BYTES_MAX,
    WINDOW_BYTES,
    AcceptSocket,
    Body,
    Cancel,
    CloseSocket,
    Credit,
    FromContainer,
    Response,
    SocketMessage,
)

if TYPE_CHECKING:  # imported late: most handlers are not `async`
    import asyncio

Post = Callable[[FromContainer, bytes], None]
"""Hands a message to the link, from any thread."""


class Piece(NamedTuple):
    """Of a body, or one message of a WebSocket."""

    data: bytes
    is_text: bool = False

    @property
    def content(self) -> str | bytes:
        return self.data.decode(errors="replace") if self.is_text else self.data


def _new_event() -> "asyncio.Event":
    import asyncio  # only `async` handlers need it

    return asyncio.Event()


class _Change:
    """Wakes whoever waits for something about an exchange, a thread or a coroutine."""

    def __init__(self, loop: "asyncio.AbstractEventLoop | None") -> None:
        self._loop = loop
        self._condition = threading.Condition()
        self._event = _new_event() if loop is not None else None

    def tell(self) -> None:
        with self._condition:
            self._condition.notify_all()
        if self._loop is not None and self._event is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._event.set)

    def wait(self, holds: Callable[[], bool]) -> None:
        with self._condition:
            self._condition.wait_for(holds)

    async def wait_async(self, holds: Callable[[], bool]) -> None:
        assert self._event is not None
        while not holds():
            self._event.clear()
            if not holds():
                await self._event.wait()


class Exchange:
    def __init__(self, request_id: int, post: Post, loop: "asyncio.AbstractEventLoop | None", *, is_socket: bool = False) -> None:
        self.id = request_id
        self.is_socket = is_socket
        self._post = post
        self._change = _Change(loop)
        self._incoming: deque[Piece] = deque()
        self._has_ended = False
        """The caller has said all."""
        self._is_gone = False
        self._credited_bytes = WINDOW_BYTES
        """Written by the link alone, as `_sent_bytes` is by the handler: neither needs a lock."""
        self._sent_bytes = 0
        self._is_accepted = False
        self._is_closed = False
        self.has_responded = False

    # --- called by the link ------------------------------------------------------------------------------------------

    def feed(self, data: bytes, *, is_text: bool = False) -> None:
        self._incoming.append(Piece(data, is_text))
        self._change.tell()

    def end(self) -> None:
        """No more will come."""
        self._has_ended = True
        self._change.tell()

    def credit(self, size_bytes: int) -> None:
        self._credited_bytes += size_bytes
        self._change.tell()

    def gone(self) -> None:
        """The caller has gone, or the container ends."""
        self._is_gone = self._has_ended = True
        self._change.tell()

    # --- called by the handler ---------------------------------------------------------------------------------------

    @property
    def is_gone(self) -> bool:
        return self._is_gone

    def next_piece(self) -> Piece | None:
        """What comes next; None at the end. Raises GoneError when a body ends early."""
        self._change.wait(self._has_news)
        return self._taken()

    async def next_piece_async(self) -> Piece | None:
        await self._change.wait_async(self._has_news)
        return self._taken()

    def respond(self, status: int, headers: tuple[tuple[str, str], ...], body: bytes, *, more: bool) -> None:
        self.has_responded = True
        if more:
            self._sent_bytes += len(body)
        self._post(Response(id=self.id, status=status, headers=headers, more=more), body)

    def send_body(self, data: bytes) -> None:
        """Waits for credit. Raises GoneError."""
        for start in range(0, len(data), PIECE_BYTES_MAX):
            self._change.wait(self._may_send)
            self._send_piece(data[start : start + PIECE_BYTES_MAX])

    async def send_body_async(self, data: bytes) -> None:
        for start in range(0, len(data), PIECE_BYTES_MAX):
            await self._change.wait_async(self._may_send)
            self._send_piece(data[start : start + PIECE_BYTES_MAX])

    def give_up(self, reason: str) -> None:
        """Break off an answer that was begun."""
        self._post(Cancel(id=self.id, reason=reason), b"")

    def end_body(self) -> None:
        self._post(Body(id=self.id, more=False), b"")

    def accept(self, subprotocol: str | None) -> None:
        if not self._is_accepted:
            self._is_accepted = True
            self._post(AcceptSocket(id=self.id, subprotocol=subprotocol), b"")

    def send_message(self, message: str | bytes) -> None:
        self._change.wait(self._may_send)
        self._send_message(message)

    async def send_message_async(self, message: str | bytes) -> None:
        await self._change.wait_async(self._may_send)
        self._send_message(message)

    def close_socket(self, code: int, reason: str) -> None:
        if not self._is_closed and not self._is_gone:
            self._is_closed = True
            self._post(CloseSocket(id=self.id, code=code, reason=reason), b"")

    # --- inside ------------------------------------------------------------------------------------------------------

    def _has_news(self) -> bool:
        return bool(self._incoming) or self._has_ended

    def _may_send(self) -> bool:
        return self._credited_bytes > self._sent_bytes or self._is_gone

    def _taken(self) -> Piece | None:
        if not self._incoming:
            if self._is_gone and not self.is_socket:
                raise GoneError("the caller has gone")
            return None
        piece = self._incoming.popleft()
        if piece.data and not self._is_gone:
            self._post(Credit(id=self.id, size_bytes=len(piece.data)), b"")
        return piece

    def _send_piece(self, data: bytes) -> None:
        self._demand_caller()
        self._sent_bytes += len(data)
        self._post(Body(id=self.id), data)

    def _send_message(self, message: str | bytes) -> None:
        self._demand_caller()
        data = message.encode() if isinstance(message, str) else bytes(message)
        if len(data) > BODY_BYTES_MAX:
            raise ValueError(f"a message of {len(data)} bytes; a WebSocket takes {BODY_BYTES_MAX}")
        self._sent_bytes += len(data)
        self._post(SocketMessage(id=self.id, text=isinstance(message, str)), data)

    def _demand_caller(self) -> None:
        if self._is_gone or self._is_closed:
            raise GoneError("the caller has gone")
