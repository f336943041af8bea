"""A ZeroMQ connection to one container: the shell around `pie_flow.endpoint_link`.

The socket is polled by its descriptor on the event loop, without pyzmq's asyncio classes: these cost a future and two callbacks per
message. The descriptor is edge-triggered and any call may take the edge, so that after sending it is looked once more.
"""

import asyncio
import logging
from collections.abc import Callable

import msgspec
import zmq

from pie_deploy.gateway import failures
from pie_deploy.gateway.failures import UpstreamError
from pie_deploy.limits import GATEWAY_LINK_MESSAGES_MAX
from pie_deploy.ports.routes import Link
from pie_flow.endpoint_link import GATEWAY_ID, MESSAGE_BYTES_MAX, FromContainer, FromGateway

log = logging.getLogger(__name__)

_BATCH = 100
"""Messages that are taken before others get their turn."""
_RECONNECT_MS = 20
_RECONNECT_MAX_MS = 200

_UP = zmq.EVENT_HANDSHAKE_SUCCEEDED
_DOWN = zmq.EVENT_DISCONNECTED

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(FromContainer).decode

OnMessage = Callable[["LinkConnection", FromContainer, bytes], None]
OnDown = Callable[["LinkConnection"], None]


class LinkConnection:
    """Connects and reconnects by itself until closed."""

    def __init__(
        self,
        link: Link,
        context: "zmq.Context[zmq.Socket[bytes]]",
        *,
        on_message: OnMessage,
        on_bad: Callable[[], None],
        on_down: OnDown,
    ) -> None:
        """`on_bad` is told of messages that are none. Must be made on the event loop that it is used on."""
        self.link = link
        self.is_up = False
        self.is_closed = False
        self.under_way_bytes = 0
        self._on_message = on_message
        self._on_bad = on_bad
        self._on_down = on_down
        self._loop = asyncio.get_running_loop()
        self._up = asyncio.Event()
        self._will_read = False
        self._socket = _connecting(context, link.address)
        self._monitor = self._socket.get_monitor_socket(_UP | _DOWN)
        self._socket.connect(link.address)
        self._descriptors = (self._socket.fileno(), self._monitor.fileno())
        self._loop.add_reader(self._descriptors[0], self._read)
        self._loop.add_reader(self._descriptors[1], self._watch)
        self._loop.call_soon(self._watch)

    def send(self, message: FromGateway, body: bytes = b"") -> None:
        """Raises UpstreamError when the container is not connected, or has too much waiting."""
        socket = self._socket
        try:
            socket.send(_encode(message), zmq.NOBLOCK | zmq.SNDMORE)
            socket.send(body, zmq.NOBLOCK)
        except zmq.ZMQError as error:
            raise UpstreamError(failures.LINK_DOWN) from error
        if not self._will_read:
            self._will_read = True
            self._loop.call_soon(self._read)

    async def wait_up(self, timeout_s: float) -> bool:
        try:
            async with asyncio.timeout(timeout_s):
                await self._up.wait()
        except TimeoutError:
            return False
        return self.is_up

    def close(self) -> None:
        """Safe to call twice."""
        if self.is_closed:
            return
        self.is_closed = True
        self.is_up = False
        for descriptor in self._descriptors:
            self._loop.remove_reader(descriptor)
        self._socket.disable_monitor()
        self._monitor.close(linger=0)
        self._socket.close(linger=0)

    def _read(self) -> None:
        self._will_read = False
        socket = self._socket
        for _ in range(_BATCH):
            if self.is_closed or not _has_more(socket):
                return
            self._take(socket.recv_multipart(zmq.NOBLOCK))
        self._will_read = True
        self._loop.call_soon(self._read)

    def _take(self, frames: list[bytes]) -> None:
        try:
            head, body = frames
            message = _decode(head)
        except (ValueError, msgspec.MsgspecError):
            self._on_bad()
            return
        self._on_message(self, message, body)

    def _watch(self) -> None:
        while not self.is_closed and _has_more(self._monitor):
            event = int.from_bytes(self._monitor.recv_multipart(zmq.NOBLOCK)[0][:2], "little")
            self._set_up(event == _UP)

    def _set_up(self, is_up: bool) -> None:
        was_up, self.is_up = self.is_up, is_up
        if is_up:
            self._up.set()
        else:
            self._up.clear()
            if was_up:
                log.info("link to container %s is down", self.link.container_id)
                self._on_down(self)


def _connecting(context: "zmq.Context[zmq.Socket[bytes]]", address: str) -> "zmq.Socket[bytes]":
    socket = context.socket(zmq.DEALER)
    socket.set(zmq.ROUTING_ID, GATEWAY_ID)
    socket.set(zmq.IMMEDIATE, 1)  # nothing waits for a container that is not there
    socket.set(zmq.LINGER, 0)
    socket.set(zmq.SNDHWM, GATEWAY_LINK_MESSAGES_MAX)
    socket.set(zmq.RCVHWM, GATEWAY_LINK_MESSAGES_MAX)
    socket.set(zmq.MAXMSGSIZE, MESSAGE_BYTES_MAX)
    socket.set(zmq.RECONNECT_IVL, _RECONNECT_MS)
    socket.set(zmq.RECONNECT_IVL_MAX, _RECONNECT_MAX_MS)
    return socket


def _has_more(socket: "zmq.Socket[bytes]") -> bool:
    return bool(int(socket.getsockopt(zmq.EVENTS)) & zmq.POLLIN)
