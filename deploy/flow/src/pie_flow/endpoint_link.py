"""What the gateway and a container with endpoints say to each other.

The container binds a ROUTER (mandatory, with handover) at its `endpoint_address`, the gateway connects one DEALER whose routing
id is `GATEWAY_ID`: so a container can emit before it was ever asked anything. A message is two frames: a msgpack struct of this
module, and bytes (the body; empty where there is none). Requests are told apart by `id`, which no gateway uses twice; it is
also the correlation id in the envelopes of the values that the request becomes.

Every request gets one answer: `Response`, or, for a value that an ingress with `respond` has taken, `Emitted` by the container
of the egress. (The ingress still answers a body that is not of its type with a `Response`, and one that does not respond with
202.) Every `OpenSocket` gets `AcceptSocket`, or a refusal: `Response`, or `CloseSocket`, which is 403.

Bodies flow under credit: each side may have `WINDOW_BYTES` of one request's bytes under way, counting the bytes of `Request`,
`Body`, `Response` and `SocketMessage`; a message may be sent while some credit is left, even if it is larger than that.
`Credit` gives back what has been consumed. What comes whole (`Request` and `Response` without `more`, `Emitted`) needs none.
After `Cancel` and after the end of both sides' bytes, neither says more about the id; what still comes is ignored.
"""

from typing import Annotated

import msgspec

GATEWAY_ID = b"gateway"
"""Routing id of the gateway's socket."""

HEAD_BYTES_MAX = 192 << 10
"""Of the struct alone, in which headers are what can be long. The gateway ignores a message with more."""

HEADERS_MAX = 256
"""Of one answer. What is decoded takes some 200 bytes per header, however short it is."""

BODY_BYTES_MAX = 64 << 20
"""Of what comes whole: an emitted value, a message of a WebSocket."""

MESSAGE_BYTES_MAX = HEAD_BYTES_MAX + BODY_BYTES_MAX
"""Of both frames together; a link on which a larger one comes is cut."""

PIECE_BYTES_MAX = 256 << 10
"""Of one `Body`: streams of several requests share a link."""

WINDOW_BYTES = 1 << 20
"""Of one request in one direction: enough that a loopback round trip does not stall a stream, little enough for thousands of
requests.
"""


class _Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", omit_defaults=True, forbid_unknown_fields=True):
    id: int


class Request(_Message, frozen=True, kw_only=True, tag="req"):
    """An HTTP request to an ingress, or (GET) to an egress: then the answer is the stream of its values as server-sent events."""

    endpoint: str
    method: str
    path: str
    """What follows the forwarding token, starting with `/`, percent-encoded as it came."""
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    more: bool = False
    """Whether `Body` follows."""


class OpenSocket(_Message, frozen=True, kw_only=True, tag="open"):
    """A WebSocket to an ingress (its messages are values) or an egress (values come out as messages)."""

    endpoint: str
    path: str
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    subprotocols: tuple[str, ...] = ()


class Body(_Message, frozen=True, kw_only=True, tag="body"):
    more: bool = True


class Response(_Message, frozen=True, kw_only=True, tag="res"):
    status: int
    headers: Annotated[tuple[tuple[str, str], ...], msgspec.Meta(max_length=HEADERS_MAX)] = ()
    more: bool = False


class Emitted(_Message, frozen=True, kw_only=True, tag="emit"):
    """An egress has a value for the request `id`, which waits at an ingress of some container; the bytes are the body."""

    endpoint: str
    status: int = 200
    """500 when the value's way through the graph ended in a component that raised; the bytes say what happened."""
    content_type: str = "application/json"


class AcceptSocket(_Message, frozen=True, kw_only=True, tag="accept"):
    subprotocol: str | None = None


class SocketMessage(_Message, frozen=True, kw_only=True, tag="msg"):
    text: bool = True


class CloseSocket(_Message, frozen=True, kw_only=True, tag="close"):
    code: int = 1000
    reason: str = ""


class Credit(_Message, frozen=True, kw_only=True, tag="credit"):
    size_bytes: int


class Cancel(_Message, frozen=True, kw_only=True, tag="cancel"):
    """The caller has gone, or the container gives up: nothing more about `id`."""

    reason: str = ""


FromGateway = Request | Body | OpenSocket | SocketMessage | CloseSocket | Credit | Cancel
FromContainer = Response | Body | Emitted | AcceptSocket | SocketMessage | CloseSocket | Credit | Cancel
