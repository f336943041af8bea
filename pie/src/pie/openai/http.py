"""The HTTP side of a route, raw ASGI: key, body, reply, stream, and what happens when the client is gone.

A route is a function of an `Exchange`. It raises `ApiError` or `PieError` before it has begun to answer; later a stream ends with
an error event. When the client goes away the route's task is cancelled, wherever it is.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from pie.auth.credentials import Credentials
from pie.auth.users import LOCAL_USER
from pie.config.config import LimitsConfig
from pie.errors import PieError
from pie.limits import OPENAI_BODY_BYTES_MAX
from pie.openai.api_error import INTERNAL, SERVER, ApiError, Header, invalid

log = logging.getLogger(__name__)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Scope = MutableMapping[str, Any]
Handle = Callable[["Exchange"], Awaitable[None]]

_JSON: Header = (b"content-type", b"application/json")
_EVENTS: list[Header] = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]


class Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, send: Send, username: str = "", body: bytes = b"", stall_s: float | None = None) -> None:
        """A client that reads nothing for `stall_s` while something waits to be written is given up."""
        self.username = username
        self.body = body
        self.path_params: dict[str, str] = scope.get("path_params", {})
        self.begun = False
        """The answer has begun: its status cannot be changed any more."""
        self._send = send
        self._stall_s = stall_s

    async def reply(self, body: bytes, status: int = 200, headers: list[Header] | None = None) -> None:
        """The whole answer: JSON."""
        await self._begin(status, [_JSON, (b"content-length", str(len(body)).encode()), *(headers or [])])
        await self._send({"type": "http.response.body", "body": body})

    async def refuse(self, error: ApiError) -> None:
        """The error as the answer, or as what ends a stream."""
        if self.begun:
            await self._send({"type": "http.response.body", "body": b"data: " + error.body + b"\n\n"})
        else:
            await self.reply(error.body, error.status, error.headers)

    async def open_stream(self) -> None:
        """Begin an answer of server-sent events."""
        await self._begin(200, _EVENTS)

    async def write(self, events: bytes) -> None:
        """More of the stream. Waits while the client reads more slowly than this is written. Raises `GoneError`."""
        await self._write({"type": "http.response.body", "body": events, "more_body": True})

    async def close_stream(self, events: bytes = b"") -> None:
        """The last of the stream. Raises `GoneError`."""
        await self._write({"type": "http.response.body", "body": events})

    async def _write(self, message: Message) -> None:
        try:
            async with asyncio.timeout(self._stall_s):
                await self._send(message)
        except TimeoutError as error:
            raise GoneError from error

    async def _begin(self, status: int, headers: list[Header]) -> None:
        self.begun = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})


class Endpoint:
    """An ASGI app around a route."""

    def __init__(self, handle: Handle, credentials: Credentials | None, limits: Callable[[], LimitsConfig] = LimitsConfig) -> None:
        """Without `credentials` everybody may ask. `limits` are asked for with each request."""
        self._handle = handle
        self._credentials = credentials
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        limits = self._limits()
        exchange = Exchange(scope, send, stall_s=limits.idle_timeout_s)
        try:
            exchange.username = self._username(scope)
            async with asyncio.timeout(limits.handshake_timeout_s):
                exchange.body = await _body(receive)
        except GoneError:
            return
        except TimeoutError:
            await exchange.refuse(ApiError(408, "the request took too long to arrive", code="timeout"))
            return
        except ApiError as error:
            await exchange.refuse(error)
            return
        await self._watched(exchange, receive)

    async def _watched(self, exchange: Exchange, receive: Receive) -> None:
        """Runs the route until it is done or nobody wants the answer."""
        route = asyncio.ensure_future(self._answer(exchange))
        watch = asyncio.ensure_future(_gone(receive))
        try:
            await asyncio.wait((route, watch), return_when=asyncio.FIRST_COMPLETED)
        finally:
            route.cancel()
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await route

    async def _answer(self, exchange: Exchange) -> None:
        try:
            await self._handle(exchange)
        except GoneError:
            return
        except ApiError as error:
            await exchange.refuse(error)
        except PieError as error:
            await exchange.refuse(ApiError.of(error))
        except RecursionError:
            await exchange.refuse(invalid("the request is nested too deeply"))
        except Exception:
            log.exception("an OpenAI route failed")
            await exchange.refuse(ApiError(500, INTERNAL, SERVER, code="internal"))

    def _username(self, scope: Scope) -> str:
        """Whose key it is. Raises `ApiError`."""
        if self._credentials is None or not self._credentials.enabled:
            return LOCAL_USER
        key = _bearer(scope)
        if key is None:
            raise ApiError(401, "no API key was given: send 'Authorization: Bearer KEY'", code="missing_api_key")
        username = self._credentials.user_of_api_key(key)
        if username is None:
            raise ApiError(401, "the API key is not known here", code="invalid_api_key")
        return username


class GoneError(Exception):
    """The client is not there any more, or might as well not be."""


async def _body(receive: Receive) -> bytes:
    """The whole request. Raises `ApiError` if it is too long."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise GoneError
        chunk = message.get("body", b"")
        chunks.append(chunk)
        size += len(chunk)
        if size > OPENAI_BODY_BYTES_MAX:
            raise ApiError(413, f"the request is longer than {OPENAI_BODY_BYTES_MAX} bytes", code="request_too_large")
        if not message.get("more_body", False):
            return b"".join(chunks)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _bearer(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, key = value.decode("latin-1").partition(" ")
            return key.strip() if scheme.lower() == "bearer" and key.strip() else None
    return None
