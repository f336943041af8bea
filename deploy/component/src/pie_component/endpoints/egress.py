"""Egress endpoints: values go out as answers to requests, as events, as WebSocket messages.

Each subscriber has a queue beside its credit. Who lets that run over is dropped: the graph does not wait for a reader.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from pie_component.counters import Counters
from pie_component.endpoints.bodies import JSON, BodyForm, failure_body
from pie_component.forms import conformer
from pie_component.limits import ANSWERED_IDS_MAX, KEEPALIVE_S, SUBSCRIBER_BYTES_MAX
from pie_component.logs import log
from pie_flow.container import EndpointSpec
from pie_flow.endpoint_link import (
    BODY_BYTES_MAX,
    PIECE_BYTES_MAX,
    WINDOW_BYTES,
    AcceptSocket,
    Body,
    Cancel,
    CloseSocket,
    Emitted,
    FromContainer,
    Response,
    SocketMessage,
)
from pie_flow.envelope import Failure
from pie_flow.errors import ValueTypeError

Send = Callable[[FromContainer, bytes], None]

_EVENTS = (("content-type", "text/event-stream"), ("cache-control", "no-store"), ("x-accel-buffering", "no"))
_KEEPALIVE = b":\n\n"
_GOING_AWAY = 1001


class Subscriber:
    """Somebody who reads an egress: events, or with `is_socket` messages."""

    def __init__(self, request_id: int, send: Send, now_s: float, *, is_socket: bool, is_text: bool) -> None:
        self.id = request_id
        self.is_socket = is_socket
        self._send = send
        self._is_text = is_text
        self._window_bytes = WINDOW_BYTES
        self._queue: deque[bytes] = deque()
        self._queued_bytes = 0
        self._sent_at_s = now_s
        if is_socket:
            send(AcceptSocket(id=request_id), b"")
        else:
            send(Response(id=request_id, status=200, headers=_EVENTS, more=True), b"")

    def offer(self, data: bytes, now_s: float) -> bool:
        """Send it, or keep it until there is credit. False: it reads too slowly."""
        self._sent_at_s = now_s
        if not self._queue and self._window_bytes > 0:
            self._write(data)
        elif self._queued_bytes >= SUBSCRIBER_BYTES_MAX:
            return False
        else:
            self._queue.append(data)
            self._queued_bytes += len(data)
        return True

    def credit(self, size_bytes: int) -> None:
        self._window_bytes += size_bytes
        while self._queue and self._window_bytes > 0:
            data = self._queue.popleft()
            self._queued_bytes -= len(data)
            self._write(data)

    def keep_alive(self, now_s: float) -> None:
        if not self.is_socket and not self._queue and now_s - self._sent_at_s >= KEEPALIVE_S:
            self.offer(_KEEPALIVE, now_s)

    def drop(self) -> None:
        """It reads too slowly."""
        if self.is_socket:
            self._send(CloseSocket(id=self.id, code=1013, reason="read too slowly"), b"")
        else:
            self._send(Cancel(id=self.id, reason="read too slowly"), b"")

    def end(self) -> None:
        """The container ends."""
        if self.is_socket:
            self._send(CloseSocket(id=self.id, code=_GOING_AWAY, reason="the container ends"), b"")
        else:
            self._send(Body(id=self.id, more=False), b"")

    def _write(self, data: bytes) -> None:
        self._window_bytes -= len(data)
        if self.is_socket:
            self._send(SocketMessage(id=self.id, text=self._is_text), data)
            return
        for start in range(0, len(data), PIECE_BYTES_MAX):
            self._send(Body(id=self.id), data[start : start + PIECE_BYTES_MAX])


class Egress:
    """One endpoint."""

    def __init__(self, spec: EndpointSpec, form: BodyForm, send: Send, counters: Counters, clock: Callable[[], float]) -> None:
        self.spec = spec
        self.form = form
        self.subscribers: dict[int, Subscriber] = {}
        self.conform = conformer(form.kind)
        self._send = send
        self._counters = counters
        self._clock = clock
        self._answered: dict[int, None] = {}
        """Ids of requests, in the order of their answers."""

    def emit(self, correlation: int, value: Any) -> None:
        """Show a value, or `Failure`: to who waits for it, and to all subscribers."""
        if correlation in self._answered:
            correlation = 0
        if type(value) is Failure:
            if correlation:
                self._answer(correlation, failure_body(value), JSON, 500)
            return
        try:
            self._show(correlation, value)
        except ValueTypeError as error:
            log.error("a value cannot be shown at %s: %s", self.spec.name, error)
            if correlation:
                self._answer(correlation, failure_body(Failure("", str(error))), JSON, 500)

    def subscribe(self, request_id: int, *, is_socket: bool) -> Subscriber:
        is_text = not (is_socket and self.form.is_octets)
        subscriber = Subscriber(request_id, self._send, self._clock(), is_socket=is_socket, is_text=is_text)
        self.subscribers[request_id] = subscriber
        return subscriber

    def tend(self, now_s: float) -> None:
        for subscriber in self.subscribers.values():
            subscriber.keep_alive(now_s)

    def _show(self, correlation: int, value: Any) -> None:
        if correlation:
            self._answer(correlation, _sendable(self.form.encode(value)), self.form.content_type, 200)
        if not self.subscribers:
            return
        event = message = b""
        now_s = self._clock()
        for subscriber in list(self.subscribers.values()):
            if subscriber.is_socket:
                message = data = message or _sendable(self.form.encode(value))
            else:
                event = data = event or _sendable(b"data: " + self.form.encode_json(value) + b"\n\n")
            if not subscriber.offer(data, now_s):
                del self.subscribers[subscriber.id]
                self._counters.dropped_subscribers += 1
                subscriber.drop()

    def _answer(self, correlation: int, body: bytes, content_type: str, status: int) -> None:
        self._answered[correlation] = None
        if len(self._answered) > ANSWERED_IDS_MAX:
            del self._answered[next(iter(self._answered))]
        self._send(Emitted(id=correlation, endpoint=self.spec.name, status=status, content_type=content_type), body)


def _sendable(body: bytes) -> bytes:
    if len(body) > BODY_BYTES_MAX:
        raise ValueTypeError("root", f"a value of {len(body)} bytes is larger than an answer may be")
    return body
