"""The container's end of the endpoint link: a socket that the gateway connects to."""

from collections import deque

import msgspec
import zmq

from pie_component.errors import TransportError
from pie_component.limits import EMITTED_BACKLOG_BYTES_MAX, EMITTED_BACKLOG_MAX
from pie_component.logs import log
from pie_flow.endpoint_link import GATEWAY_ID, MESSAGE_BYTES_MAX, Emitted, FromContainer, FromGateway

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(FromGateway).decode


def decoded(frame: bytes) -> FromGateway:
    """Raises ValueError for bytes that are no message."""
    try:
        message: FromGateway = _decode(frame)
    except RecursionError as error:
        raise ValueError("a message that nests without measure") from error
    return message


class GatewaySocket:
    """Messages in and out. Answers that find no gateway for a moment are kept; all else about its requests is void then."""

    def __init__(self, zmq_context: "zmq.Context[zmq.Socket[bytes]]", address: str) -> None:
        """Binds. Raises TransportError."""
        self._backlog: deque[tuple[Emitted, bytes]] = deque()
        self._backlog_bytes = 0
        self.socket = zmq_context.socket(zmq.ROUTER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.SNDHWM, 0)  # credit bounds what is under way, of each request
        self.socket.setsockopt(zmq.RCVHWM, 0)
        self.socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self.socket.setsockopt(zmq.ROUTER_HANDOVER, 1)
        self.socket.setsockopt(zmq.MAXMSGSIZE, MESSAGE_BYTES_MAX)
        self.monitor: zmq.Socket[bytes] = self.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        """Has something to read when a gateway has gone."""
        try:
            self.socket.bind(address)
        except zmq.ZMQError as error:
            raise TransportError(f"cannot listen at {address}: {error}") from error

    def receive(self) -> tuple[FromGateway, bytes] | None:
        """The next message; None when there is none, or none that makes sense."""
        try:
            parts = self.socket.recv_multipart(zmq.NOBLOCK)
        except zmq.Again:
            return None
        if len(parts) != 3 or parts[0] != GATEWAY_ID:
            log.error("something that is no gateway has sent %d frames", len(parts))
            return None
        try:
            return decoded(parts[1]), parts[2]
        except ValueError as error:
            log.error("the gateway sent something that is no message: %s", error)
            return None

    @property
    def has_more(self) -> bool:
        """Whether a message waits: cheaper to ask than to be told by an exception."""
        return bool(int(self.socket.getsockopt(zmq.EVENTS)) & zmq.POLLIN)

    def send(self, message: FromContainer, body: bytes = b"") -> None:
        if (self._backlog or not self._try_to_send(message, body)) and isinstance(message, Emitted):
            self._keep(message, body)

    def send_backlog(self) -> None:
        while self._backlog and self._try_to_send(*self._backlog[0]):
            self._backlog_bytes -= len(self._backlog.popleft()[1])

    @property
    def has_backlog(self) -> bool:
        return bool(self._backlog)

    def gateway_has_gone(self) -> None:
        """Read what the monitor says."""
        self.monitor.recv_multipart()

    def close(self, linger_ms: int) -> None:
        self.socket.disable_monitor()
        self.monitor.close(linger=0)  # else the context would wait for it for ever
        self.socket.close(linger=linger_ms)

    def _try_to_send(self, message: FromContainer, body: bytes) -> bool:
        try:
            self.socket.send_multipart((GATEWAY_ID, _encode(message), body), zmq.NOBLOCK)
        except zmq.ZMQError as error:
            if error.errno in (zmq.EAGAIN, zmq.EHOSTUNREACH):
                return False
            raise
        return True

    def _keep(self, message: Emitted, body: bytes) -> None:
        while self._backlog and (
            len(self._backlog) >= EMITTED_BACKLOG_MAX or self._backlog_bytes + len(body) > EMITTED_BACKLOG_BYTES_MAX
        ):
            self._backlog_bytes -= len(self._backlog.popleft()[1])
            log.warning("an answer was dropped: there was no gateway to take it, and too many wait")
        self._backlog_bytes += len(body)
        self._backlog.append((message, body))
