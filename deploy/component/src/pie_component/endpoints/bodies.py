"""Values as bodies of requests and answers: text for String, octets for Bytes, JSON for everything else."""

from typing import Any

import msgspec

from pie_flow.envelope import Failure
from pie_flow.errors import ValueTypeError
from pie_flow.types import Atom, Type
from pie_flow.values import from_json, to_json

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
OCTETS = "application/octet-stream"

Headers = tuple[tuple[str, str], ...]


class BodyForm:
    """How values of one type stand in bodies."""

    def __init__(self, kind: Type) -> None:
        self.kind = kind
        self.is_text = kind == Atom("String")
        self.is_octets = kind == Atom("Bytes")
        self.content_type = TEXT if self.is_text else OCTETS if self.is_octets else JSON

    def encode(self, value: Any) -> bytes:
        """Raises ValueTypeError."""
        if self.is_text:
            return _utf8(value)
        return bytes(value) if self.is_octets else to_json(value, self.kind)

    def encode_json(self, value: Any) -> bytes:
        """On one line: for events, which are lines. Raises ValueTypeError."""
        return to_json(value, self.kind)

    def decode(self, content_type: str, body: bytes) -> Any:
        """A String or Bytes may come as JSON too, if it is said to be that. Raises ValueTypeError."""
        if content_type.partition(";")[0].strip().lower() != JSON:
            if self.is_text:
                return self.decode_text(body)
            if self.is_octets:
                return body
        return from_json(body, self.kind)

    def decode_text(self, body: bytes) -> str:
        try:
            return body.decode()
        except UnicodeDecodeError as error:
            raise ValueTypeError("root", f"not UTF-8 at byte {error.start}") from error

    def decode_message(self, body: bytes, *, is_text: bool) -> Any:
        """A WebSocket's message. Raises ValueTypeError."""
        if self.is_text:
            return self.decode_text(body)
        return body if self.is_octets and not is_text else from_json(body, self.kind)


def header(headers: Headers, name: str) -> str:
    """The first header of a lower-case name, or nothing."""
    for key, value in headers:
        if key.lower() == name:
            return value
    return ""


def error_body(code: str, message: str, **more: str) -> bytes:
    """An error in the form of the platform's API."""
    return msgspec.json.encode({"error": {"code": code, "message": message, "details": [], **more}})


def failure_body(failure: Failure) -> bytes:
    return error_body("component_failed", failure.message, vertex=failure.vertex)


def _utf8(value: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError as error:
        raise ValueTypeError("root", "a lone surrogate cannot be sent") from error
