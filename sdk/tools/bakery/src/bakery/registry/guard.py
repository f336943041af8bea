"""What stands before the routes: how often, and how much at once, one address may ask."""

import math
import time
from collections import Counter
from collections.abc import Callable
from ipaddress import IPv4Address, ip_address

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from bakery.limits import REQUESTS_AT_ONCE_MAX
from bakery.registry.throttle import Throttle


class Guard:
    """ASGI middleware. Plain ASGI, because it stands in the way of every piece of a download."""

    def __init__(self, app: ASGIApp, throttle: Throttle, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._throttle = throttle
        self._monotonic = monotonic
        self._under_way: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        client = address(scope)
        wait_s = self._throttle.take(client, self._monotonic())
        if wait_s:
            await too_many("too many requests", wait_s)(scope, receive, send)
        elif self._under_way[client] >= REQUESTS_AT_ONCE_MAX:
            await too_many("too many requests at once", 1)(scope, receive, send)
        else:
            await self._answer(client, scope, receive, send)

    async def _answer(self, client: str, scope: Scope, receive: Receive, send: Send) -> None:
        self._under_way[client] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._under_way[client] -= 1
            if not self._under_way[client]:
                del self._under_way[client]


def address(scope: Scope) -> str:
    """Of the client; IPv6 by its network, because one machine has 2**64 addresses."""
    client = scope.get("client")
    host = str(client[0]) if client else ""
    try:
        parsed = ip_address(host)
    except ValueError:
        return host
    if isinstance(parsed, IPv4Address):
        return host
    return str(parsed.ipv4_mapped or f"{int(parsed) >> 64:x}::/64")


def too_many(detail: str, wait_s: float) -> JSONResponse:
    return JSONResponse({"detail": detail}, status_code=429, headers={"Retry-After": str(max(1, math.ceil(wait_s)))})
