"""What stands before the routes: how often one address may ask, and readers that stop reading."""

import asyncio
import math
import time
from collections.abc import Callable

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bakery.limits import BODY_IDLE_S
from bakery.registry.throttle import Throttle


class Guard:
    """ASGI middleware. Plain ASGI, because it stands in the way of every piece of a download."""

    def __init__(self, app: ASGIApp, throttle: Throttle, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._throttle = throttle
        self._monotonic = monotonic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        wait_s = self._throttle.take(address(scope), self._monotonic())
        if wait_s:
            await too_many("too many requests", wait_s)(scope, receive, send)
            return

        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(BODY_IDLE_S):
                await send(message)

        await self._app(scope, receive, send_in_time)


def address(scope: Scope) -> str:
    """Of the client; IPv6 by its network, because one machine has 2**64 addresses."""
    client = scope.get("client")
    host = str(client[0]) if client else ""
    return ":".join(host.split(":")[:4]) if host.count(":") > 4 else host


def too_many(detail: str, wait_s: float) -> JSONResponse:
    return JSONResponse({"detail": detail}, status_code=429, headers={"Retry-After": str(max(1, math.ceil(wait_s)))})
