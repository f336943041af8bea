"""Headers that pass from one connection to another, and those that belong to one alone. Pure."""

import re
from collections.abc import Iterable, MutableMapping
from typing import Any

from pie_deploy.gateway.failures import TOO_LARGE, TOO_LARGE_UNSENT, UpstreamError

Pairs = list[tuple[bytes, bytes]]

_OF_THE_CONNECTION = (b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection")
_OF_THE_MESSAGE = (b"te", b"trailer", b"transfer-encoding", b"upgrade", b"expect")

HOP_BY_HOP = frozenset((*_OF_THE_CONNECTION, *_OF_THE_MESSAGE))
"""Of one connection (RFC 9110 §7.6.1), together with what `Connection` names. `Expect` is answered by our own server."""

OF_THE_HANDSHAKE = frozenset(
    (
        b"sec-websocket-key",
        b"sec-websocket-version",
        b"sec-websocket-extensions",
        b"sec-websocket-accept",
        b"sec-websocket-protocol",
    )
)

FORWARDED = frozenset((b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto"))
"""What only a proxy may say."""

_OURS = frozenset((b"content-length", b"date", b"server"))
"""What the gateway's own server says about an answer."""

_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BAD_IN_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


def named_by_connection(headers: Iterable[tuple[bytes, bytes]]) -> frozenset[bytes]:
    """What `Connection` says is of this connection alone. Names are in lower case."""
    values = [value for name, value in headers if name == b"connection"]
    return frozenset(part.strip().lower() for value in values for part in value.split(b","))


def passing(headers: Pairs) -> Pairs:
    """The headers of a request without those of the connection. Names are in lower case."""
    own = HOP_BY_HOP | named_by_connection(headers)
    return [pair for pair in headers if pair[0] not in own]


def forwarded(scope: MutableMapping[str, Any]) -> Pairs:
    """Who asks, for a server behind us. The forwarding token is not said: it is the caller's secret."""
    client = scope.get("client")
    pairs = [(b"x-forwarded-proto", b"https" if scope.get("scheme") in ("https", "wss") else b"http")]
    pairs += [(b"x-forwarded-host", value) for name, value in scope["headers"] if name == b"host"]
    if client:
        pairs.append((b"x-forwarded-for", str(client[0]).encode()))
    return pairs


def as_text(headers: Pairs) -> tuple[tuple[str, str], ...]:
    """What passes, as the messages to containers have it."""
    dropped = HOP_BY_HOP
    for name, value in headers:
        if name == b"connection" and value != b"keep-alive" and value != b"close":
            dropped = HOP_BY_HOP | named_by_connection(headers)
            break
    return tuple([(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers if name not in dropped])


def from_container(headers: Iterable[tuple[str, str]]) -> Pairs:
    """A container's headers for the caller. Raises ValueError for what cannot be sent."""
    answer: Pairs = []
    for name_text, value_text in headers:
        name, value = name_text.lower().encode("latin-1"), value_text.encode("latin-1")
        if not _NAME.fullmatch(name) or _BAD_IN_VALUE.search(value):
            raise ValueError(f"{name_text!r} is no proper header")
        if name not in HOP_BY_HOP and name not in _OURS:
            answer.append((name, value))
    return answer


def content_length(headers: Pairs) -> int | None:
    for name, value in headers:
        if name == b"content-length":
            return int(value)
    return None


def is_chunked(headers: Pairs) -> bool:
    return any(name == b"transfer-encoding" for name, _ in headers)


def check_length(headers: Pairs, limit_bytes: int) -> None:
    """Raises UpstreamError for a body that is too large by its own account."""
    if (content_length(headers) or 0) > limit_bytes:
        raise UpstreamError(TOO_LARGE_UNSENT if any(name == b"expect" for name, _ in headers) else TOO_LARGE)
