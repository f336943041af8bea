"""The protocol over a WebSocket, as a raw ASGI application: a reader, a writer and the session's work, a task each.

Frames are binary. What is done before them, by the server: pings (`limits.idle_timeout_s`), refusing frames that are too large and
web pages that have no business here.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from pie.limits import SESSION_REQUESTS_PER_TURN
from pie.net.hub import Hub
from pie.net.outgoing import Outgoing
from pie.net.session import Session

Scope = MutableMapping[str, Any]
AsgiMessage = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[AsgiMessage]]
Send = Callable[[AsgiMessage], Awaitable[None]]

IDENTITY_HEADER = b"x-pie-identity"
"""Sent by clients of Pie 0.5, and by nobody else."""
IDENTITY_PATH = "/v1/ws"

FRAMES_PER_TURN = 128
"""Frames sent before everybody else has a turn of the loop, for sending need not wait: a few milliseconds."""

FLUSH_TIMEOUT_S = 1.0
"""How long a connection that is to be closed may go on sending what waits; less than `CLOSE_TIMEOUT_S`."""

PROPER_CODES = (1000, 1001)
"""Of a close frame. One without a code has a reason, if an empty one; a connection that broke has none."""
POLICY_VIOLATION = 1008
TRY_AGAIN_LATER = 1013


class _GoneError(Exception):
    """The connection has ended; its tasks end with it."""


async def serve_websocket(scope: Scope, receive: Receive, send: Send, hub: Hub) -> None:
    """Serve one connection until it ends."""
    await receive()  # websocket.connect
    if not hub.may_connect():
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": TRY_AGAIN_LATER, "reason": "the server takes no more connections now"})
        return
    connection = Connection(receive, send, hub)
    hub.add(connection)
    try:
        await connection.serve(shows_no_keys=_shows_no_keys(scope["path"], scope["headers"]))
    finally:
        hub.remove(connection)


class Connection:
    """One client's."""

    def __init__(self, receive: Receive, send: Send, hub: Hub) -> None:
        self._receive = receive
        self._send = send
        self._hub = hub
        self._outgoing = Outgoing()
        self._session: Session | None = None
        self._work = asyncio.Event()
        """There is something to send."""
        self._close: AsgiMessage | None = None
        self._close_by_s = 0.0
        self._was_closed = False
        """By the client, with a close frame."""

    @property
    def is_logged_in(self) -> bool:
        return self._session is not None and self._session.is_logged_in

    @property
    def requests_waiting(self) -> int:
        return self._session.requests_waiting if self._session is not None else 0

    def end(self, code: int, reason: str) -> None:
        """Begin to close the connection: what waits is sent before, as far as the client takes it soon."""
        self._close = {"type": "websocket.close", "code": code, "reason": reason}
        self._close_by_s = asyncio.get_running_loop().time() + FLUSH_TIMEOUT_S
        self._work.set()

    async def serve(self, *, shows_no_keys: bool) -> None:
        await self._send({"type": "websocket.accept"})
        self._outgoing.on_work = self._work.set
        try:
            async with asyncio.TaskGroup() as tasks:
                session = self._session = Session(self._hub, self._outgoing, tasks.create_task, shows_no_keys=shows_no_keys)
                tasks.create_task(session.work())
                tasks.create_task(self._write())
                tasks.create_task(self._demand_login(session))
                await self._read(session)
        except* _GoneError:
            pass
        finally:
            if self._session is not None:
                self._session.close(properly=self._was_closed)

    async def _read(self, session: Session) -> None:
        for number in itertools.count(1):
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                self._was_closed = message.get("reason") is not None or message.get("code") in PROPER_CODES
                raise _GoneError
            frame = message.get("bytes")
            if frame is not None:
                session.receive(frame)
            else:  # a text frame
                self._hub.counters.frames_bad += 1
            if session.is_full:
                await session.room()
            elif number % SESSION_REQUESTS_PER_TURN == 0:
                await asyncio.sleep(0)

    async def _write(self) -> None:
        try:
            while True:
                await self._write_all()
                if self._close is not None:
                    break
                self._work.clear()
                if self._outgoing.is_idle:
                    await self._work.wait()
            await self._send(self._close)
        except OSError as error:  # what ASGI servers raise for a connection that is gone
            raise _GoneError from error

    async def _write_all(self) -> None:
        counters = self._hub.counters
        for frame in self._outgoing.frames():
            await self._send({"type": "websocket.send", "bytes": frame})
            counters.frames_out += 1
            if counters.frames_out % FRAMES_PER_TURN == 0:
                await asyncio.sleep(0)
            if self._close is not None and asyncio.get_running_loop().time() > self._close_by_s:
                return

    async def _demand_login(self, session: Session) -> None:
        timeout_s = self._hub.config.limits.handshake_timeout_s
        await asyncio.sleep(timeout_s)
        if not session.is_logged_in:
            self.end(POLICY_VIOLATION, f"not logged in after {timeout_s:g} s")


def _shows_no_keys(path: str, headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return path.rstrip("/") == IDENTITY_PATH and any(name.lower() == IDENTITY_HEADER for name, _ in headers)
