"""The ASGI application: everything that is asked of the server goes through here.

websocket   trusted page? ▶ models loaded? ▶ a session
http        trusted page? ▶ body bounded ▶ models loaded? ▶ a route; counted and timed
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Protocol

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pie.clock import Clock
from pie.server import body
from pie.server.http_metrics import NO_ROUTE, HttpMetrics, Request
from pie.server.readiness import Readiness

log = logging.getLogger(__name__)

WEBSOCKET_PATHS = frozenset({"", "/v1/ws"})
UNCONDITIONAL_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
"""Answered while the models load, too."""
RETRY_AFTER_S = 5


class Tracer(Protocol):
    def request(self, route: str, request: Request, ended_s: float) -> None:
        """An HTTP request has been answered."""
        ...


class Entrance:
    def __init__(
        self,
        *,
        http: ASGIApp,
        websocket: ASGIApp,
        readiness: Readiness,
        metrics: HttpMetrics,
        tracer: Tracer,
        clock: Clock,
        is_welcome: Callable[[Mapping[str, str]], bool],
        wait_s: float,
    ) -> None:
        """`is_welcome` tells from the headers whether a request may be served. A WebSocket waits up to `wait_s` for the models."""
        self._http = http
        self._websocket = websocket
        self._readiness = readiness
        self._metrics = metrics
        self._tracer = tracer
        self._clock = clock
        self._is_welcome = is_welcome
        self._wait_s = wait_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._serve_websocket(scope, receive, send)
        elif scope["type"] == "http":
            await self._serve_http(scope, receive, send)

    async def _serve_websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (refusal := await self._websocket_refusal(scope)) is not None:
            await receive()
            await refusal(scope, receive, send)
        else:
            await self._websocket(scope, receive, send)

    async def _websocket_refusal(self, scope: Scope) -> Response | None:
        if scope["path"].rstrip("/") not in WEBSOCKET_PATHS:
            return _error(HTTPStatus.NOT_FOUND, "WebSockets are served on / and /v1/ws")
        if not self._is_welcome(Headers(scope=scope)):
            return _unwelcome()
        try:
            async with asyncio.timeout(self._wait_s):
                await self._readiness.loaded()
        except TimeoutError:
            return _not_ready(self._readiness.phase)
        return None if self._readiness.phase == "ready" else _not_ready(self._readiness.phase)

    async def _serve_http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = self._metrics.begin(self._now_s())

        async def observed(message: Message) -> None:
            has_body = bool(message.get("body"))
            self._metrics.sent(request, message["type"], message.get("status", 0), has_body, self._now_s())
            await send(message)

        try:
            await self._answer(scope, receive, observed)
        finally:
            route, now_s = _route(scope), self._now_s()
            self._metrics.end(request, route, now_s)
            self._tracer.request(route, request, now_s)
            log.info("%s %s: %d in %.3f s", scope["method"], route, request.status, now_s - request.began_s)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        if not self._is_welcome(headers):
            await _unwelcome()(scope, receive, send)
        elif scope["path"] not in UNCONDITIONAL_PATHS and self._readiness.phase != "ready":
            await _not_ready(self._readiness.phase)(scope, receive, send)
        else:
            try:
                bounded = body.bounded(receive, headers.get("content-length"))
            except HTTPException as error:
                await _error(HTTPStatus(error.status_code), error.detail)(scope, receive, send)
            else:
                await self._http(scope, bounded, send)

    def _now_s(self) -> float:
        return self._clock.monotonic_ns() / 1e9


def _route(scope: Scope) -> str:
    """The route that was taken, as it is written in the code."""
    return str(getattr(scope.get("route"), "path", NO_ROUTE))


def _unwelcome() -> Response:
    return _error(HTTPStatus.FORBIDDEN, "this server runs without authentication: web pages of other sites may not use it")


def _not_ready(phase: str) -> Response:
    return _error(HTTPStatus.SERVICE_UNAVAILABLE, f"the server is {phase}", {"retry-after": str(RETRY_AFTER_S)})


def _error(status: HTTPStatus, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """An error in the shape that OpenAI's clients expect."""
    error = {"message": message, "type": "invalid_request_error" if status < 500 else "server_error", "param": None, "code": None}
    return JSONResponse({"error": error}, status, headers=headers)
