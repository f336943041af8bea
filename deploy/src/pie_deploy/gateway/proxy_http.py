"""HTTP requests that a command answers on its loopback port: a plain reverse proxy, streaming both ways.

httpx's transport does the HTTP, without its client: no cookies, no redirects, no headers of its own.
"""

import asyncio
from collections.abc import AsyncIterator

import httpx

from pie_deploy.gateway import failures, headers
from pie_deploy.gateway.caller import AnswerBroken, Message, Receive, Scope, Send
from pie_deploy.gateway.endings import Endings
from pie_deploy.gateway.failures import CallerGone, UpstreamError
from pie_deploy.gateway.request import Asked
from pie_deploy.gateway.statistics import Counters
from pie_deploy.limits import (
    GATEWAY_BODY_IDLE_S,
    GATEWAY_CONNECT_TIMEOUT_S,
    GATEWAY_IDLE_CONNECTIONS_MAX,
    GATEWAY_KEEP_ALIVE_S,
    GATEWAY_REQUESTS_MAX,
)
from pie_deploy.ports.routes import Port

LOOPBACK = "127.0.0.1"

_TIMEOUT = {"connect": GATEWAY_CONNECT_TIMEOUT_S, "read": None, "write": None, "pool": GATEWAY_CONNECT_TIMEOUT_S}


class ProxyHttp:
    def __init__(self, endings: Endings, counters: Counters) -> None:
        self._endings = endings
        self._counters = counters
        self._transport: httpx.AsyncHTTPTransport | None = None

    async def close(self) -> None:
        if self._transport is not None:
            await self._transport.aclose()
            self._transport = None

    async def serve(self, asked: Asked, port: Port, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request. Raises UpstreamError before the answer has begun, AnswerBroken afterwards, CallerGone."""
        limit = asked.target.route.body_bytes_max
        headers.check_length(scope["headers"], limit)
        body = _Body(receive, limit)
        await body.begin()
        answering = asyncio.ensure_future(self._answer(asked, _request(asked, port, scope, body), body, send))
        watching = asyncio.ensure_future(body.caller_gone())
        try:
            await asyncio.wait((answering, watching), return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                raise CallerGone
            if answering.cancelled():  # its route has gone
                raise AnswerBroken
            answering.result()
        finally:
            answering.cancel()
            watching.cancel()
            await asyncio.gather(answering, watching, return_exceptions=True)
            self._counters.bytes_in += body.size_bytes

    async def _answer(self, asked: Asked, request: httpx.Request, body: "_Body", send: Send) -> None:
        response = await self._head(request, body, asked.target.route.timeout_ns / 1e9)
        task: asyncio.Task[None] | None = asyncio.current_task()
        assert task is not None
        self._endings.add(asked.token, task, lambda: _cancel(task))
        try:
            await self._pass_on(response, send)
        except httpx.TransportError as error:
            raise AnswerBroken from error
        finally:
            self._endings.discard(asked.token, task)
            await response.aclose()

    async def _head(self, request: httpx.Request, body: "_Body", timeout_s: float) -> httpx.Response:
        if self._transport is None:
            limits = httpx.Limits(
                max_connections=GATEWAY_REQUESTS_MAX,
                max_keepalive_connections=GATEWAY_IDLE_CONNECTIONS_MAX,
                keepalive_expiry=GATEWAY_KEEP_ALIVE_S,
            )
            self._transport = httpx.AsyncHTTPTransport(trust_env=False, limits=limits)
        try:
            async with asyncio.timeout(timeout_s) as timeout:
                body.extend(timeout, timeout_s)
                return await self._transport.handle_async_request(request)
        except TimeoutError as error:
            raise UpstreamError(failures.TIMED_OUT) from error
        except (httpx.ConnectError, httpx.TimeoutException) as error:
            raise UpstreamError(failures.LINK_DOWN) from error
        except httpx.RemoteProtocolError as error:
            raise UpstreamError(failures.LOST if "disconnected" in str(error) else failures.BAD_ANSWER) from error
        except httpx.TransportError as error:
            raise UpstreamError(failures.LOST) from error

    async def _pass_on(self, response: httpx.Response, send: Send) -> None:
        answer = headers.passing([(name.lower(), value) for name, value in response.headers.raw])
        await send({"type": "http.response.start", "status": response.status_code, "headers": answer})
        self._counters.answered(response.status_code)
        assert isinstance(response.stream, httpx.AsyncByteStream)
        async for piece in response.stream:
            self._counters.bytes_out += len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()


class _Body(httpx.AsyncByteStream):
    """The request's body, as the caller sends it."""

    def __init__(self, receive: Receive, limit_bytes: int) -> None:
        self._receive = receive
        self._limit_bytes = limit_bytes
        self._first = b""
        self._more = True
        self._whole = asyncio.Event()
        self._timeout: asyncio.Timeout | None = None
        self._timeout_s = 0.0
        self.size_bytes = 0

    async def begin(self) -> None:
        """Take the first piece."""
        self._first = await self._next()

    @property
    def is_empty(self) -> bool:
        return not self._more and not self._first

    def extend(self, timeout: asyncio.Timeout, timeout_s: float) -> None:
        """With every piece, the time for the answer begins anew."""
        self._timeout = timeout
        self._timeout_s = timeout_s

    async def __aiter__(self) -> AsyncIterator[bytes]:
        piece = self._first
        while True:
            if piece:
                yield piece
            if self._timeout is not None:
                self._timeout.reschedule(asyncio.get_running_loop().time() + self._timeout_s)
            if not self._more:
                return
            piece = await self._next()

    async def caller_gone(self) -> None:
        """Returns when the caller has left; only after the whole body has come can that be noticed here."""
        await self._whole.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _next(self) -> bytes:
        try:
            async with asyncio.timeout(GATEWAY_BODY_IDLE_S):
                message: Message = await self._receive()
        except TimeoutError as error:
            raise UpstreamError(failures.BODY_LATE) from error
        if message["type"] == "http.disconnect":
            raise CallerGone
        body: bytes = message.get("body", b"")
        self.size_bytes += len(body)
        if self.size_bytes > self._limit_bytes:
            raise UpstreamError(failures.TOO_LARGE)
        self._more = bool(message.get("more_body"))
        if not self._more:
            self._whole.set()
        return body


def _request(asked: Asked, port: Port, scope: Scope, body: _Body) -> httpx.Request:
    query = scope["query_string"]
    target = asked.path.encode("latin-1") + (b"?" + query if query else b"")
    return httpx.Request(
        scope["method"],
        f"http://{LOOPBACK}:{port.port}/",
        headers=_headers(scope, port, body),
        stream=httpx.ByteStream(b"") if body.is_empty else body,
        extensions={"target": target, "timeout": _TIMEOUT},
    )


def _headers(scope: Scope, port: Port, body: _Body) -> headers.Pairs:
    pairs = [pair for pair in headers.passing(scope["headers"]) if pair[0] not in headers.FORWARDED and pair[0] != b"host"]
    pairs.append((b"host", f"{LOOPBACK}:{port.port}".encode()))
    if not body.is_empty and headers.content_length(pairs) is None:
        pairs.append((b"transfer-encoding", b"chunked"))
    return pairs + headers.forwarded(scope)
