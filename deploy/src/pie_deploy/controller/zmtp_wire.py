"""The control link: containers connect a ZeroMQ DEALER to a Unix socket; msgpack structs, one per message.

What connects is hostile until it has said a `Hello` that was answered, and bounded afterwards too: few connections that nobody
knows, few per container, no more bytes held than one message, no more messages than a container that works has to say.
"""

import asyncio
import contextlib
import logging
import os
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import cast

import msgspec

from pie_deploy.errors import StorageError
from pie_deploy.limits import (
    CONTROL_CONNECTIONS_OF_ONE_MAX,
    CONTROL_CONNECTIONS_UNKNOWN_MAX,
    CONTROL_HELLO_BYTES_MAX,
    CONTROL_MESSAGE_BYTES_MAX,
    CONTROL_MESSAGES_PER_S_MAX,
    CONTROL_QUEUE_BYTES_MAX,
)
from pie_deploy.ports.control import Deliver, Peer
from pie_deploy.zmtp import Receiver, ZmtpError, message, opening
from pie_flow.control import FromContainer, Hello, ToContainer

_log = logging.getLogger(__name__)
_decoder = msgspec.msgpack.Decoder(FromContainer)
_encoder = msgspec.msgpack.Encoder()


class ZmtpWire:
    """`ports.control.ControlWire`. The address stays the same, so containers find the next control plane where this one was."""

    def __init__(self, address: str) -> None:
        """address: `ipc://PATH`."""
        self._address = address
        self._server: asyncio.AbstractServer | None = None
        self._unknown: dict[_Connection, None] = {}
        """In the order in which they came."""
        self._known: dict[str, list[_Connection]] = {}
        """By container, oldest first."""
        self._count = 0
        self.counts: Counter[str] = Counter()
        """`malformed` messages; connections that were `refused`."""

    @property
    def address(self) -> str | None:
        return self._address

    async def open(self, deliver: Deliver) -> None:
        path = self._address.removeprefix("ipc://")
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)  # noqa: PTH108 (what a control plane that was killed has left there; takes no time)
            loop = asyncio.get_running_loop()
            self._server = await loop.create_unix_server(lambda: self._connected(deliver), path)
        except OSError as error:
            raise StorageError(f"cannot listen at {path}: {error.strerror}") from error

    async def close(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for connection in [*self._unknown, *(one for several in self._known.values() for one in several)]:
            connection.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._server.wait_closed(), 1)
        self._server = None

    def _connected(self, deliver: Deliver) -> "_Connection":
        self._count += 1
        connection = _Connection(self, str(self._count).encode(), deliver)
        self._unknown[connection] = None
        if len(self._unknown) > CONTROL_CONNECTIONS_UNKNOWN_MAX:
            self.counts["refused"] += 1
            next(iter(self._unknown)).close()
        return connection

    def knows(self, connection: "_Connection", container_id: str) -> None:
        """The connection's hello was answered."""
        self._unknown.pop(connection, None)
        several = self._known.setdefault(container_id, [])
        if connection not in several:
            several.append(connection)
        if len(several) > CONTROL_CONNECTIONS_OF_ONE_MAX:
            self.counts["refused"] += 1
            several[0].close()

    def lost(self, connection: "_Connection") -> None:
        self._unknown.pop(connection, None)
        for container_id in [name for name, several in self._known.items() if connection in several]:
            self._known[container_id].remove(connection)
            if not self._known[container_id]:
                del self._known[container_id]


class _Connection(asyncio.Protocol):
    def __init__(self, wire: ZmtpWire, identity: bytes, deliver: Deliver) -> None:
        self._wire = wire
        self._deliver = deliver
        self._receiver = Receiver(CONTROL_HELLO_BYTES_MAX)
        self._transport: asyncio.Transport | None = None
        self._peer = Peer(identity, cast(Callable[[ToContainer], None], partial(self.send)))
        self._is_answered = False
        self._second = 0
        self._messages = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one without being of the class
        self._transport.write(opening(b"ROUTER"))

    def data_received(self, data: bytes) -> None:
        try:
            for (body,) in self._receiver.feed(data):
                self._count()
                self._take(body)
        except ZmtpError as error:
            self._wire.counts["refused"] += 1
            _log.warning("control link: a connection was closed: %s", error)
            self.close()

    def connection_lost(self, _: Exception | None) -> None:
        self._wire.lost(self)
        self._transport = None

    def send(self, said: ToContainer) -> None:
        """Queue a message. What is for a peer that has gone is dropped, and a peer that does not read is let go: it says hello
        again if it lives."""
        if self._transport is None or self._transport.is_closing():
            return
        self._is_answered = True
        self._transport.write(message(_encoder.encode(said)))
        if self._transport.get_write_buffer_size() > CONTROL_QUEUE_BYTES_MAX:
            self.close()

    def close(self) -> None:
        self._wire.lost(self)
        if self._transport is not None:
            self._transport.abort()

    def _take(self, body: bytes) -> None:
        try:
            said = _decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._wire.counts["malformed"] += 1
            return
        try:
            self._deliver(self._peer, said)
        except Exception:  # one message must not end the link of all containers
            _log.exception("control link: %s", type(said).__name__)
        if isinstance(said, Hello) and self._is_answered:
            self._receiver.message_bytes_max = CONTROL_MESSAGE_BYTES_MAX
            self._wire.knows(self, said.container_id)

    def _count(self) -> None:
        """Raises ZmtpError for a flood."""
        second = int(asyncio.get_running_loop().time())
        if second != self._second:
            self._second, self._messages = second, 0
        self._messages += 1
        if self._messages > CONTROL_MESSAGES_PER_S_MAX:
            raise ZmtpError("more messages than a container has to say")
