"""The caller's side of an HTTP request: ASGI, with the gateway's own answers."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from pie_deploy.gateway.failures import Refusal

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class AnswerBroken(Exception):
    """An answer that has begun will never be whole: the connection has to be cut, so that the caller sees it."""


_OURS: tuple[tuple[bytes, bytes], ...] = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"))


async def refuse(send: Send, refusal: Refusal, state: str | None = None, *, is_socket: bool = False) -> None:
    """Answer a request, or a WebSocket's handshake, that goes no further."""
    body = refusal.body(state)
    headers = [*_OURS, *refusal.headers, (b"content-length", str(len(body)).encode())]
    kind = "websocket.http.response" if is_socket else "http.response"
    await send({"type": f"{kind}.start", "status": refusal.status.value, "headers": headers})
    await send({"type": f"{kind}.body", "body": body})
