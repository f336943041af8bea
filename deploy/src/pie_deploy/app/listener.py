"""One of the platform's servers: an ASGI app behind a loopback port, on the event loop that is there."""

import asyncio
import os
import socket
from typing import Any

import uvicorn

from pie_deploy.errors import StorageError
from pie_deploy.limits import HEAD_TIMEOUT_S, SOCKET_MESSAGE_BYTES_MAX, STALL_TIMEOUT_S
from pie_http.protocols import ConnectionLimits, bounded
from pie_http.server import EmbeddedServer

LOOPBACK = "127.0.0.1"
BACKLOG = 1024
KEEP_ALIVE_S = 75
GRACE_S = 5
"""For requests under way when the platform is told to stop; streams have no end of their own."""


class Listener:
    """Bound from the beginning, so that its URL is known; `serve` runs until `stop`."""

    def __init__(self, name: str, port: int, grace_s: int = GRACE_S) -> None:
        """Raises StorageError when the port is taken."""
        self._name = name
        self._grace_s = grace_s
        self._socket = _bound(name, port)
        self._server: EmbeddedServer | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self._socket.getsockname()[1]}"

    async def start(self, app: Any, connections_max: int) -> asyncio.Task[None]:
        """Serve the app; returns when requests are answered. The task ends with `stop`, or with what went wrong."""
        self._server = EmbeddedServer(_settings(app, connections_max, self._grace_s))
        self._serving = asyncio.create_task(self._server.serve(sockets=[self._socket]), name=self._name)
        begun = asyncio.create_task(self._server.has_begun.wait())
        await asyncio.wait((begun, self._serving), return_when=asyncio.FIRST_COMPLETED)
        begun.cancel()
        return self._serving

    async def stop(self) -> None:
        """Let requests under way end, within the grace. Again is fine."""
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            await asyncio.wait((self._serving,))
        self._socket.close()


def _bound(name: str, port: int) -> socket.socket:
    try:
        bound = socket.create_server((LOOPBACK, port), backlog=BACKLOG)
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # connections inherit it; not every event loop sets it
        return bound
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise StorageError(
            f"the {name} cannot listen on {LOOPBACK}:{port}: {reason}; choose another port, 0 takes a free one"
        ) from error


def _settings(app: Any, connections_max: int, grace_s: int) -> uvicorn.Config:
    http, websocket = bounded(ConnectionLimits(connections_max, HEAD_TIMEOUT_S, STALL_TIMEOUT_S))
    return uvicorn.Config(
        app,
        http=http,
        ws=websocket,
        loop="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        ws_max_size=SOCKET_MESSAGE_BYTES_MAX,
        ws_per_message_deflate=False,  # 0.3 MB per connection
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=grace_s,
    )
