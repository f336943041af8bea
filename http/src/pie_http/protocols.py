"""uvicorn's protocols, bounded: what a connection may send before it is served, for how long, and how many there may be.

uvicorn leaves that to a proxy in front of it; there may be none in front of us. Nothing is logged per request: paths have secrets.
"""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


@dataclass(slots=True)
class ConnectionLimits:
    """What every connection looks at; may change while the server runs."""

    connections_max: int
    head_timeout_s: float
    """From a connection's beginning, or a request's first byte, to the end of the request's headers; and how long the rest of a
    body is thrown away whose request is answered already."""
    stall_timeout_s: float
    """How long a peer may leave unread what was written to it."""
    head_bytes_max: int = 64 << 10
    """Of a request's line and headers together. Browsers with many cookies send some 16 KiB."""


class Deadline:
    """A timer of a connection, set and cleared."""

    def __init__(self) -> None:
        self._timer: asyncio.TimerHandle | None = None

    def set(self, loop: asyncio.AbstractEventLoop, timeout_s: float, missed: Any) -> None:
        self.clear()
        self._timer = loop.call_later(timeout_s, missed)

    def clear(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class BoundedHttpProtocol(HttpToolsProtocol):
    """HTTP with bounds on connections, on what a request has besides its body, and on the time that takes."""

    limits: ConnectionLimits

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.access_log = False
        self._bytes_besides_body = 0
        self._head = Deadline()
        self._rest = Deadline()
        self._stall = Deadline()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast(asyncio.Transport, transport))  # uvloop's is one without being of the class
        if len(self.connections) > self.limits.connections_max:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "Too many connections.")
        else:
            self._head.set(self.loop, self.limits.head_timeout_s, self._late)

    def connection_lost(self, exc: Exception | None) -> None:
        self._head.clear()
        self._rest.clear()
        self._stall.clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._bytes_besides_body += len(data)
        super().data_received(data)
        if self._bytes_besides_body > self.limits.head_bytes_max and self.transport.get_protocol() is self:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The request's headers are too large.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head.set(self.loop, self.limits.head_timeout_s, self._late)

    def on_headers_complete(self) -> None:
        self._head.clear()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._bytes_besides_body = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._bytes_besides_body = 0
        self._rest.clear()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """An answer may come before its request's body has. Closing at once would take the answer with it."""
        if self.cycle is not None and self.cycle.more_body and not self.transport.is_closing():
            self._rest.set(self.loop, self.limits.head_timeout_s, self.transport.abort)
        super().on_response_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stall.set(self.loop, self.limits.stall_timeout_s, self.transport.abort)

    def resume_writing(self) -> None:
        self._stall.clear()
        super().resume_writing()

    def _late(self) -> None:
        self._refuse(HTTPStatus.REQUEST_TIMEOUT, "The request took too long.")

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        if self.transport.is_closing():
            return
        body = message.encode()
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: text/plain; charset=utf-8\r\n"
        self.transport.write(f"{head}content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body)
        self.transport.close()


class BoundedWebSocketProtocol(WebSocketsSansIOProtocol):
    """A WebSocket that reads nothing from a peer that does not read, pings included: what waits for a peer stays bounded."""

    limits: ConnectionLimits

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._stall = Deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stall.clear()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self.transport.pause_reading()
        self._stall.set(self.loop, self.limits.stall_timeout_s, self.transport.abort)

    def resume_writing(self) -> None:
        self._stall.clear()
        super().resume_writing()
        if not self.read_paused:
            self.transport.resume_reading()

    async def receive(self) -> Any:
        message = await super().receive()
        if not self.writable.is_set():  # `receive` has resumed reading
            self.transport.pause_reading()
        return message

    def keepalive_timeout(self) -> None:
        """A peer whose answer lies unread, because the application has not taken what came before it, is alive."""
        if not self.read_paused:
            super().keepalive_timeout()
            return
        self.pong_timer = None
        self.pending_ping_payload = None
        self.schedule_ping()


def bounded(limits: ConnectionLimits) -> tuple[type[BoundedHttpProtocol], type[BoundedWebSocketProtocol]]:
    """The protocols of one server, which share its limits."""
    return (
        type("ServerHttpProtocol", (BoundedHttpProtocol,), {"limits": limits}),
        type("ServerWebSocketProtocol", (BoundedWebSocketProtocol,), {"limits": limits}),
    )
