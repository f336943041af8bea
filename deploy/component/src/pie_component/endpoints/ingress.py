"""Ingress endpoints that feed an input: bodies and WebSocket messages become values."""

from collections.abc import Callable
from typing import Any

from pie_component.counters import Counters
from pie_component.endpoints.bodies import JSON, BodyForm, Headers, error_body, header
from pie_component.limits import INGRESS_BYTES_MAX, INGRESS_MESSAGES_MAX, INGRESS_QUEUE_BYTES_MAX
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
        if not self._put(request_id, value):
            self._counters.refused_requests += 1
            self.refuse(request_id, 503, "overloaded", "too many requests are waiting")
        elif not self.spec.respond:
            self._send(Response(id=request_id, status=202), b"")

    def put_message(self, request_id: int, body: bytes, *, is_text: bool) -> str | None:
        """A message of a WebSocket. Returns what is wrong with it."""
        try:
            value = self.form.decode_message(body, is_text=is_text)
        except ValueTypeError as error:
            return f"not of type {self.form.kind}: {error}"
        return None if self._put(request_id, value) else "too many messages are waiting"

    def refuse(self, request_id: int, status: int, code: str, message: str) -> None:
        headers = _BUSY if status == 503 else _CONTENT_JSON
        self._send(Response(id=request_id, status=status, headers=headers), error_body(code, message))

    @property
    def is_full(self) -> bool:
        return len(self._target.queue) >= INGRESS_MESSAGES_MAX

    def _put(self, request_id: int, value: Any) -> bool:
        if self.is_full:
            return False
        self._target.queue.append((request_id if self.spec.respond else 0, value))
        self._target.brought += 1
        self._on_value()
        return True


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
    """A WebSocket whose messages are values. A message that is not closes it."""

    def __init__(self, ingress: Ingress, request: OpenSocket, send: Send) -> None:
        self._ingress = ingress
        self._id = request.id
        self._send = send
        send(AcceptSocket(id=self._id), b"")

    def add(self, body: bytes, *, is_text: bool) -> bool:
        """Take a message. Returns whether it goes on."""
        problem = self._ingress.put_message(self._id, body, is_text=is_text)
        if problem is not None:
            code = 1013 if self._ingress.is_full else 1007
            self._send(CloseSocket(id=self._id, code=code, reason=problem.encode()[:120].decode(errors="ignore")), b"")
            return False
        self._send(Credit(id=self._id, size_bytes=len(body)), b"")
        return True

    def close(self) -> None:
        """The container ends."""
        self._send(CloseSocket(id=self._id, code=1001, reason="the container ends"), b"")
