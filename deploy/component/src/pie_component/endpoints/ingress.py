"""Ingress endpoints that feed an input: bodies and WebSocket messages become values."""

from collections import deque
from collections.abc import Callable
from typing import Any

from pie_component.counters import Counters
from pie_component.endpoints.bodies import JSON, BodyForm, Headers, error_body, header
from pie_component.limits import INGRESS_BYTES_MAX, INGRESS_QUEUE_BYTES_MAX
from pie_component.slots import Input
from pie_flow.container import EndpointSpec
from pie_flow.endpoint_link import AcceptSocket, CloseSocket, Credit, FromContainer, OpenSocket, Request, Response
from pie_flow.errors import ValueTypeError

Send = Callable[[FromContainer, bytes], None]

_CONTENT_JSON = (("content-type", JSON),)
_BUSY = (*_CONTENT_JSON, ("retry-after", "1"))


class Ingress:
    """One endpoint. What comes whole is put into the input's queue at once."""

    def __init__(
        self, spec: EndpointSpec, form: BodyForm, target: Input, send: Send, counters: Counters, on_value: Callable[[], None]
    ) -> None:
        self.spec = spec
        self.form = form
        self._target = target
        self._send = send
        self._counters = counters
        self._on_value = on_value

    def take(self, request_id: int, headers: Headers, body: bytes) -> None:
        """A whole request: into the queue, or refused."""
        try:
            value = self.form.decode(header(headers, "content-type"), body)
        except ValueTypeError as error:
            self.refuse(request_id, 422, "bad_value", f"not of type {self.form.kind}: {error}")
            return
        if not self._target.has_room_for(len(body)):
            self._counters.refused_requests += 1
            self.refuse(request_id, 503, "overloaded", "too many requests are waiting")
            return
        self._put(request_id, value, len(body))
        if not self.spec.respond:
            self._send(Response(id=request_id, status=202), b"")

    def has_room_for(self, size_bytes: int) -> bool:
        return self._target.has_room_for(size_bytes)

    def put_message(self, request_id: int, body: bytes, *, is_text: bool) -> None:
        """A message of a WebSocket, for which there is room. Raises ValueTypeError."""
        self._put(request_id, self.form.decode_message(body, is_text=is_text), len(body))

    def refuse(self, request_id: int, status: int, code: str, message: str) -> None:
        headers = _BUSY if status == 503 else _CONTENT_JSON
        self._send(Response(id=request_id, status=status, headers=headers), error_body(code, message))

    def _put(self, request_id: int, value: Any, size_bytes: int) -> None:
        self._target.bring(request_id if self.spec.respond else 0, value, size_bytes)
        self._on_value()


class Collected:
    """A request whose body is still coming."""

    def __init__(self, ingress: Ingress, request: Request, body: bytes, send: Send) -> None:
        self._ingress = ingress
        self._request = request
        self._parts = [body]
        self._size_bytes = len(body)
        self._send = send
        if body:
            send(Credit(id=request.id, size_bytes=len(body)), b"")

    @property
    def size_bytes(self) -> int:
        return self._size_bytes

    def add(self, body: bytes, *, more: bool, held_bytes: int) -> bool:
        """Take a piece; `held_bytes`: of all bodies that are still coming. Returns whether it goes on."""
        self._parts.append(body)
        self._size_bytes += len(body)
        if self._size_bytes > INGRESS_BYTES_MAX or held_bytes + len(body) > INGRESS_QUEUE_BYTES_MAX:
            self._ingress.refuse(self._request.id, 413, "body_too_large", "the body is larger than the component takes")
            return False
        if more:
            self._send(Credit(id=self._request.id, size_bytes=len(body)), b"")
            return True
        self._ingress.take(self._request.id, self._request.headers, b"".join(self._parts))
        return False


class IngressSocket:
    """A WebSocket whose messages are values. A message that is not closes it. While the input has no room messages wait here, and
    no credit is given: the caller is held back."""

    def __init__(self, ingress: Ingress, request: OpenSocket, send: Send) -> None:
        self._ingress = ingress
        self._id = request.id
        self._send = send
        self._waiting: deque[tuple[bytes, bool]] = deque()
        send(AcceptSocket(id=self._id), b"")

    @property
    def is_paused(self) -> bool:
        return bool(self._waiting)

    def add(self, body: bytes, *, is_text: bool) -> bool:
        """Take a message. Returns whether it goes on."""
        self._waiting.append((body, is_text))
        return self.resume()

    def resume(self) -> bool:
        """Put what waits into the input, as far as there is room. Returns whether it goes on."""
        while self._waiting and self._ingress.has_room_for(len(self._waiting[0][0])):
            body, is_text = self._waiting.popleft()
            try:
                self._ingress.put_message(self._id, body, is_text=is_text)
            except ValueTypeError as error:
                reason = f"not of type {self._ingress.form.kind}: {error}"
                self._send(CloseSocket(id=self._id, code=1007, reason=reason.encode()[:120].decode(errors="ignore")), b"")
                return False
            self._send(Credit(id=self._id, size_bytes=len(body)), b"")
        return True

    def close(self) -> None:
        """The container ends."""
        self._send(CloseSocket(id=self._id, code=1001, reason="the container ends"), b"")
