"""All links of the gateway and the exchanges on them.

A value that answers a request may come from another container than the one that took it: exchanges are found by id among those of
the backend. Containers of other backends cannot answer, whatever ids they guess.
"""

import asyncio
import itertools
import secrets
from collections.abc import Callable
from contextlib import suppress

from pie_deploy.gateway import failures
from pie_deploy.gateway.exchange import Exchange
from pie_deploy.gateway.failures import UpstreamError
from pie_deploy.gateway.link import LinkConnection
from pie_deploy.gateway.statistics import Counters
from pie_deploy.limits import GATEWAY_LINK_BYTES_MAX, GATEWAY_LINK_WAIT_S, GATEWAY_RETIRE_S
from pie_deploy.ports.routes import Link
from pie_flow.endpoint_link import Cancel, Emitted, FromContainer


class BackendLinks:
    """The containers of one backend, and what is under way with them."""

    def __init__(self, connect: Callable[[Link, "BackendLinks"], LinkConnection]) -> None:
        self._connect = connect
        self.connections: dict[Link, LinkConnection] = {}
        self.retired: set[LinkConnection] = set()
        self.exchanges: dict[int, Exchange] = {}

    def update(self, links: frozenset[Link]) -> None:
        for link in links - self.connections.keys():
            self.connections[link] = self._connect(link, self)
        for link in self.connections.keys() - links:
            self._retire(self.connections.pop(link))

    def end(self, exchange: Exchange) -> None:
        del self.exchanges[exchange.id]
        if self.retired:
            self._close_idle()

    def lose(self, connection: LinkConnection) -> None:
        """What the container had is lost with it."""
        for exchange in [found for found in self.exchanges.values() if found.link is connection]:
            exchange.fail(UpstreamError(failures.LOST))

    def close(self) -> None:
        for connection in (*self.connections.values(), *self.retired):
            connection.close()
            self.lose(connection)
        self.connections.clear()
        self.retired.clear()

    def _retire(self, connection: LinkConnection) -> None:
        """The container stops: what it has under way may end; nothing new."""
        self.retired.add(connection)
        self._close_idle()
        if connection in self.retired:
            asyncio.get_running_loop().call_later(GATEWAY_RETIRE_S, self._close_retired, connection)

    def _close_idle(self) -> None:
        # An exchange on any link of the backend may still get its answer from a retired one.
        if not self.exchanges:
            for connection in tuple(self.retired):
                self._close_retired(connection)

    def _close_retired(self, connection: LinkConnection) -> None:
        self.retired.discard(connection)
        connection.close()
        self.lose(connection)


class Links:
    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._is_open = False
        self._backends: dict[str, BackendLinks] = {}
        self._wanted: dict[str, frozenset[Link]] = {}
        """Published before `open`."""
        # Containers outlive gateways: what is emitted for requests of an earlier one must match none of ours.
        self._ids = itertools.count(secrets.randbits(40) << 22)

    @property
    def count(self) -> int:
        return sum(len(backend.connections) for backend in self._backends.values())

    @property
    def count_up(self) -> int:
        return sum(link.is_up for backend in self._backends.values() for link in backend.connections.values())

    def open(self) -> None:
        """From now on there are connections; on the event loop that is running."""
        self._is_open = True
        wanted, self._wanted = self._wanted, {}
        for backend_id, links in wanted.items():
            self.update(backend_id, links)

    def close(self) -> None:
        for backend in self._backends.values():
            backend.close()
        self._backends.clear()
        self._is_open = False

    def update(self, backend_id: str, links: frozenset[Link]) -> None:
        """These are the backend's containers with endpoints."""
        if not self._is_open:
            self._wanted[backend_id] = links
            return
        backend = self._backends.get(backend_id)
        if backend is None:
            if not links:
                return
            backend = self._backends[backend_id] = BackendLinks(self._connect)
        backend.update(links)

    def remove(self, backend_id: str) -> None:
        self._wanted.pop(backend_id, None)
        backend = self._backends.pop(backend_id, None)
        if backend is not None:
            backend.close()

    async def begin(self, backend_id: str, link: Link, answer: str | None = None) -> Exchange:
        """A new exchange with a container; waits a moment for a link that is about to be there. Raises UpstreamError."""
        backend = self._backends.get(backend_id)
        connection = backend.connections.get(link) if backend is not None else None
        if backend is None or connection is None:
            raise UpstreamError(failures.LINK_DOWN)
        if not connection.is_up and not await connection.wait_up(GATEWAY_LINK_WAIT_S):
            raise UpstreamError(failures.LINK_DOWN)
        if connection.under_way_bytes > GATEWAY_LINK_BYTES_MAX:
            raise UpstreamError(failures.OVERLOADED)
        exchange = Exchange(next(self._ids), connection, asyncio.get_running_loop(), answer)
        backend.exchanges[exchange.id] = exchange
        return exchange

    def end(self, backend_id: str, exchange: Exchange) -> None:
        """The exchange is over, for whatever reason; the container is told if it does not know."""
        exchange.end()
        if not exchange.is_complete:
            with suppress(UpstreamError):  # then it has ended as well
                exchange.link.send(Cancel(id=exchange.id))
        backend = self._backends.get(backend_id)
        if backend is not None and exchange.id in backend.exchanges:
            backend.end(exchange)

    def _connect(self, link: Link, backend: BackendLinks) -> LinkConnection:
        def receive(connection: LinkConnection, message: FromContainer, body: bytes) -> bool:
            exchange = backend.exchanges.get(message.id)
            if exchange is None:
                self._counters.late_messages += 1
                return False
            if (exchange.link is not connection and type(message) is not Emitted) or not exchange.deliver(message, body):
                self._counters.bad_messages += 1
                return False
            return True

        return LinkConnection(link, on_message=receive, on_bad=self._count_bad, on_down=backend.lose)

    def _count_bad(self) -> None:
        self._counters.bad_messages += 1
