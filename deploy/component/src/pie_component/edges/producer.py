"""The producer's end of an edge: a connected socket and the batches that wait for credit."""

from collections import deque
from collections.abc import Callable
from contextlib import suppress

import zmq

from pie_component.edges.window import Outflow
from pie_component.errors import TransportError
from pie_component.limits import PENDING_BATCHES_MAX, RECONNECT_MS, REOPEN_S, SOCKET_BUFFER_BYTES
from pie_component.logs import log
from pie_flow.envelope import EnvelopeError, Packed, decode_grant, encode_end, encode_open, frames

OnLost = Callable[[list[int]], Packed]
"""Makes the failures of messages that were lost, from their correlation ids."""


class Producer:
    def __init__(self, zmq_context: "zmq.Context[zmq.Socket[bytes]]", address: str, session: int, on_lost: OnLost) -> None:
        """Connects; there need be nobody yet. Raises TransportError."""
        self.outflow = Outflow(session)
        self._pending: deque[Packed] = deque()
        self._on_lost = on_lost
        self._wants_open = True
        self._opened_at_s = 0.0
        self.socket = zmq_context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.SNDHWM, 0)  # credit bounds it
        self.socket.setsockopt(zmq.IMMEDIATE, 1)  # nothing waits in the socket for a process that has gone
        self.socket.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)
        self.socket.setsockopt(zmq.SNDBUF, SOCKET_BUFFER_BYTES)
        try:
            self.socket.connect(address)
        except zmq.ZMQError as error:
            raise TransportError(f"cannot connect to {address}: {error}") from error

    @property
    def events(self) -> int:
        """What to wait for: as long as `Open` must be said, also for somebody to say it to."""
        return zmq.POLLIN | zmq.POLLOUT if self._wants_open else zmq.POLLIN

    @property
    def is_connected(self) -> bool:
        return self.outflow.consumer != 0

    @property
    def has_room(self) -> bool:
        return len(self._pending) < PENDING_BATCHES_MAX

    @property
    def is_sent(self) -> bool:
        """Nothing that was produced is still here."""
        return not self._pending

    @property
    def is_waiting(self) -> bool:
        """Something only the consumer can end."""
        return bool(self._pending) or not self.is_connected

    @property
    def waiting_messages(self) -> int:
        return sum(packed.count for packed in self._pending) + self.outflow.under_way

    def send(self, packed: Packed) -> None:
        if self._pending or not self._try_to_send(packed):
            self._pending.append(packed)

    def handle(self, events: int, now_s: float) -> None:
        """The socket is ready for something."""
        if events & zmq.POLLIN:
            self._receive()
        elif events & zmq.POLLOUT:
            self._open(now_s)

    def tend(self, now_s: float) -> None:
        """Ask again, when the consumer has been silent for long."""
        if self.is_waiting and not self._wants_open and now_s - self._opened_at_s >= REOPEN_S:
            self._wants_open = True
            self._open(now_s)
            self._send_pending()

    def end(self) -> None:
        """Say that nothing more will come, if there is somebody to say it to."""
        with suppress(zmq.Again):
            self.socket.send(encode_end(self.outflow.session), zmq.NOBLOCK)

    def close(self, linger_ms: int) -> None:
        self.socket.close(linger=linger_ms)

    def _receive(self) -> None:
        try:
            frame = self.socket.recv(zmq.NOBLOCK)
            grant = decode_grant(frame)
        except zmq.Again:
            return
        except EnvelopeError as error:
            log.error("an edge brought something that is no grant: %s", error)
            return
        if grant.producer != self.outflow.session:
            self._wants_open = True
            return
        lost = self.outflow.granted(grant)
        if lost:
            self._pending.appendleft(self._on_lost(lost))
        self._send_pending()

    def _open(self, now_s: float) -> None:
        try:
            self.socket.send(encode_open(self.outflow.session), zmq.NOBLOCK)
        except zmq.Again:
            return
        self._wants_open = False
        self._opened_at_s = now_s

    def _send_pending(self) -> None:
        while self._pending and self._try_to_send(self._pending[0]):
            self._pending.popleft()

    def _try_to_send(self, packed: Packed) -> bool:
        outflow = self.outflow
        if not outflow.may_send:
            return False
        parts = frames(packed, outflow.consumer, outflow.sequence)
        try:
            if packed.arrays:
                self.socket.send_multipart(parts, zmq.NOBLOCK, copy=False)
            else:
                self.socket.send(parts[0], zmq.NOBLOCK)
        except zmq.Again:
            return False
        outflow.sent(packed.count, packed.size_bytes, packed.correlations)
        return True
