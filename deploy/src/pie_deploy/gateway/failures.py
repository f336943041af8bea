"""Why a request gets no answer from a container: status, code, words. One table for HTTP and WebSocket handshakes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus

import msgspec

Headers = Sequence[tuple[bytes, bytes]]

RETRY_AFTER_S = 1


@dataclass(frozen=True, slots=True)
class Refusal:
    status: HTTPStatus
    code: str
    message: str
    headers: Headers = ()

    def body(self, state: str | None = None) -> bytes:
        error: dict[str, object] = {"code": self.code, "message": self.message, "details": []}
        if state is not None:
            error["state"] = state
        return msgspec.json.encode({"error": error})


class UpstreamError(Exception):
    """A request cannot be answered by its container. `refusal` says what the caller is told."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


class CallerGone(Exception):
    """Nobody is there to be answered."""


_RETRY: Headers = ((b"retry-after", str(RETRY_AFTER_S).encode()),)
_CLOSE: Headers = ((b"connection", b"close"),)

NOT_FOUND = Refusal(HTTPStatus.NOT_FOUND, "not_found", "endpoints are at /f/<token>")
ENDPOINT_UNKNOWN = Refusal(HTTPStatus.NOT_FOUND, "endpoint_unknown", "there is no such endpoint")
ENDPOINT_NOT_RUNNING = Refusal(HTTPStatus.NOT_FOUND, "endpoint_not_running", "the endpoint's backend is not running")
RESTARTING = Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "endpoint_restarting", "the endpoint's container is starting again", _RETRY)
LINK_DOWN = Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "endpoint_unreachable", "the endpoint's container does not answer", _RETRY)
OVERLOADED = Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "overloaded", "too many requests are waiting", _RETRY)
LOST = Refusal(HTTPStatus.BAD_GATEWAY, "container_lost", "the container ended while it had the request")
BAD_ANSWER = Refusal(HTTPStatus.BAD_GATEWAY, "bad_answer", "the container's answer is no proper HTTP")
GAVE_UP = Refusal(HTTPStatus.BAD_GATEWAY, "container_gave_up", "the container gave the request up")
TIMED_OUT = Refusal(HTTPStatus.GATEWAY_TIMEOUT, "timeout", "no answer within the endpoint's time limit")
TOO_LARGE = Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", "the body is larger than the endpoint takes")
"""The connection stays: closed under a body that is still coming, it would take the answer with it."""
TOO_LARGE_UNSENT = replace(TOO_LARGE, headers=_CLOSE)
"""For a caller that waits to be told to send its body: it may send it all the same, or not."""
BODY_LATE = Refusal(HTTPStatus.REQUEST_TIMEOUT, "body_timeout", "the body took too long", _CLOSE)
NO_TRANSPORT = Refusal(
    HTTPStatus.METHOD_NOT_ALLOWED, "transport_not_supported", "the endpoint has other transports", ((b"allow", b""),)
)
REFUSED = Refusal(HTTPStatus.FORBIDDEN, "socket_refused", "the component refused the WebSocket")


def wrong_method(allowed: str) -> Refusal:
    message = f"the endpoint takes {allowed}"
    return Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", message, ((b"allow", allowed.encode()),))
