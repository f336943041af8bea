"""The data plane: `/f/<token>/…` leads to a container of whatever deployment the backend has right now, or is 404.

    request ─▶ token known? running? method? ─▶ link_http │ link_websocket      a container that speaks `pie_flow.endpoint_link`
                                               proxy_http │ proxy_websocket     a command that listens on a loopback port

What waits is bounded: requests in number, bodies by credit (links) or by sockets' buffers (ports).
"""

import asyncio
import logging
from typing import Self

from pie_deploy.gateway import admission, failures
from pie_deploy.gateway.caller import AnswerBroken, Receive, Scope, Send, refuse
from pie_deploy.gateway.endings import Endings
from pie_deploy.gateway.failures import CallerGone, Refusal, UpstreamError
from pie_deploy.gateway.link_http import LinkHttp
from pie_deploy.gateway.link_websocket import LinkWebSocket
from pie_deploy.gateway.links import Links
from pie_deploy.gateway.proxy_http import ProxyHttp
from pie_deploy.gateway.proxy_websocket import ProxyWebSocket
from pie_deploy.gateway.request import Asked, split
from pie_deploy.gateway.routing import Change, RoutingTable, digest
from pie_deploy.gateway.statistics import Counters, GatewayStatistics
from pie_deploy.limits import GATEWAY_REQUESTS_MAX
from pie_deploy.ports.routes import BackendRoutes, Link, Port

log = logging.getLogger(__name__)

NO_STATE = "undeployed"
"""What a caller is told of a backend without a deployment."""


class Gateway:
    """Implements `pie_deploy.ports.routes.Routes`; `app` is its ASGI application. All on the event loop of `run`."""

    def __init__(self, *, requests_max: int = GATEWAY_REQUESTS_MAX) -> None:
        self._requests_max = requests_max
        self._table = RoutingTable()
        self._counters = Counters()
        self._endings = Endings()
        self._links = Links(self._counters)
        self._link_http = LinkHttp(self._links, self._endings, self._counters)
        self._link_websocket = LinkWebSocket(self._links, self._endings, self._counters)
        self._proxy_http = ProxyHttp(self._endings, self._counters)
        self._proxy_websocket = ProxyWebSocket(self._endings, self._counters)

    def publish(self, routes: BackendRoutes) -> None:
        self._apply(routes.backend_id, self._table.publish(routes))

    def withdraw(self, backend_id: str) -> None:
        change = self._table.withdraw(backend_id)
        self._apply(backend_id, change)
        self._links.remove(backend_id)

    async def run(self) -> None:
        """Be connected to containers until cancelled."""
        self._links.open()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self._endings.end_all()
            self._links.close()
            await self._proxy_http.close()

    def deployment_status(self, backend_id: str) -> str | None:
        """Of the deployment that requests to the backend go by; None: it has none."""
        return self._table.deployment_status(backend_id)

    def statistics(self) -> GatewayStatistics:
        return self._counters.snapshot(endpoints=len(self._table), links=self._links.count, links_up=self._links.count_up)

    @property
    def app(self) -> Self:
        """The ASGI application: the gateway itself."""
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        counters = self._counters
        if scope["type"] == "http":
            counters.requests_total += 1
            counters.requests_active += 1
            try:
                await self._serve(scope, receive, send, scope["method"])
            finally:
                counters.requests_active -= 1
        elif scope["type"] == "websocket":
            await receive()  # `websocket.connect`
            counters.sockets_total += 1
            counters.sockets_active += 1
            try:
                await self._serve(scope, receive, send, None)
            finally:
                counters.sockets_active -= 1

    async def _serve(self, scope: Scope, receive: Receive, send: Send, method: str | None) -> None:
        asked = self._find(scope)
        refusal = self._refusal(asked, method)
        if refusal is not None or asked is None:
            await self._refuse(send, asked, refusal or failures.ENDPOINT_UNKNOWN, is_socket=method is None)
            return
        try:
            await self._forward(asked, scope, receive, send)
        except UpstreamError as error:
            log.info("endpoint %s (%s): %s", asked.target.route.endpoint, asked.target.fingerprint, error.refusal.code)
            await self._refuse(send, asked, error.refusal, is_socket=method is None)
        except AnswerBroken:
            log.info("endpoint %s (%s): broken answer", asked.target.route.endpoint, asked.target.fingerprint)
        except CallerGone:
            self._counters.callers_gone += 1

    async def _forward(self, asked: Asked, scope: Scope, receive: Receive, send: Send) -> None:
        upstream = asked.target.route.upstream
        is_socket = scope["type"] == "websocket"
        if isinstance(upstream, Link):
            await (self._link_websocket if is_socket else self._link_http).serve(asked, upstream, scope, receive, send)
        else:
            assert isinstance(upstream, Port)
            await (self._proxy_websocket if is_socket else self._proxy_http).serve(asked, upstream, scope, receive, send)

    def _find(self, scope: Scope) -> Asked | None:
        parts = split(scope["raw_path"])
        if parts is None:
            return None
        key = digest(parts[0])
        target = self._table.find(key)
        return None if target is None else Asked(key, target, parts[1])

    def _refusal(self, asked: Asked | None, method: str | None) -> Refusal | None:
        refusal = admission.refusal(None if asked is None else asked.target, method)
        if refusal is None and self._counters.requests_active + self._counters.sockets_active > self._requests_max:
            return failures.OVERLOADED
        return refusal

    async def _refuse(self, send: Send, asked: Asked | None, refusal: Refusal, *, is_socket: bool) -> None:
        self._counters.refused(refusal.code, refusal.status.value)
        state = None
        if asked is not None and refusal is failures.ENDPOINT_NOT_RUNNING:
            state = asked.target.deployment_status or NO_STATE
        await refuse(send, refusal, state, is_socket=is_socket)

    def _apply(self, backend_id: str, change: Change) -> None:
        self._links.update(backend_id, change.links)
        for token in change.gone:
            self._endings.end(token)
