"""The consumer's end of an edge: a bound socket and the queue that its messages go to."""

from collections import deque
from logging import DEBUG
from typing import Any

import zmq

from pie_component.edges.window import Intake
from pie_component.errors import TransportError
from pie_component.limits import MESSAGE_BYTES_MAX, SOCKET_BUFFER_BYTES
from pie_component.logs import log, trace
from pie_flow.envelope import End, EnvelopeError, Open, Unpacker, encode_grant

Queue = deque[tuple[int, Any]]
"""Messages: correlation id (0: none) and value, or `Failure`."""


class Consumer:
    def __init__(
        self,
        zmq_context: "zmq.Context[zmq.Socket[bytes]]",
        address: str,
        queue: Queue,
        kind: Any,
        session: int,
        *,
        position: int = 0,
    ) -> None:
        """Binds. `kind` is the type as msgspec knows it. Raises TransportError."""
        self._position = position
        self.queue = queue
        self.intake = Intake(session)
        self._unpacker = Unpacker(kind)
        self._has_greeted = False
        self.socket = zmq_context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.RCVHWM, 0)  # credit bounds it
        self.socket.setsockopt(zmq.MAXMSGSIZE, MESSAGE_BYTES_MAX + (1 << 20))
        self.socket.setsockopt(zmq.RCVBUF, SOCKET_BUFFER_BYTES)
        try:
            self.socket.bind(address)
        except zmq.ZMQError as error:
            raise TransportError(f"cannot listen at {address}: {error}") from error

    @property
    def events(self) -> int:
        """What to wait for: until the first grant has gone out, also for somebody to send it to."""
        return zmq.POLLIN if self._has_greeted else zmq.POLLIN | zmq.POLLOUT

    @property
    def is_connected(self) -> bool:
        return self.intake.producer != 0

    @property
    def is_settled(self) -> bool:
        return self.intake.is_settled(len(self.queue))

    def handle(self, events: int) -> None:
        """The socket is ready for something."""
        if events & zmq.POLLIN:
            self._receive()
        elif events & zmq.POLLOUT:
            self._has_greeted = self._grant()

    def tend(self) -> None:
        """Tell the producer what was taken, if that is much."""
        if self.intake.is_due(len(self.queue)):
            self._grant()

    def settle(self) -> None:
        """Tell the producer what was taken, if it does not know."""
        if not self.is_settled:
            self._grant()

    def close(self) -> None:
        self.socket.close(linger=0)

    def _receive(self) -> None:
        try:
            frame = self.socket.recv(zmq.NOBLOCK)
            arrays = [part.buffer for part in self.socket.recv_multipart(copy=False)] if self.socket.rcvmore else ()
        except zmq.Again:
            return
        try:
            message = self._unpacker.unpack(frame, arrays)
        except EnvelopeError as error:
            log.error("an edge brought something that is no message: %s", error)
            return
        if isinstance(message, Open):
            self.intake.opened(message)
            self._has_greeted = self._grant()
        elif isinstance(message, End):
            self.intake.ended(message)
        elif self.intake.received(message):
            if log.isEnabledFor(DEBUG):
                log.debug("in %d: %s", self._position, trace(message.correlations, message.size_bytes))
            self.queue.extend(zip(message.correlations, message.values, strict=True))

    def _grant(self) -> bool:
        try:
            self.socket.send(encode_grant(self.intake.grant(len(self.queue))), zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True
