"""uvicorn as a part of ours: it serves connections; when to listen, to stop and on which signals is not its business."""

import asyncio
import logging

import uvicorn
from starlette.types import ASGIApp

from pie.config.config import Config, LimitsConfig
from pie.limits import SERVER_BACKLOG, SERVER_CLOSE_TIMEOUT_S, SERVER_HEAD_BYTES_MAX, SERVER_KEEP_ALIVE_S
from pie.server.listening import check_certificate, listen, url
from pie_http.protocols import ConnectionLimits, bounded
from pie_http.server import EmbeddedServer
from pie_wire.limits import FRAME_BYTES_MAX

log = logging.getLogger(__name__)


class Listener:
    """Where clients connect to."""

    def __init__(self, app: ASGIApp, config: Config) -> None:
        self._config = config.server
        self._limits = _connection_limits(config.limits)
        http, websocket = bounded(self._limits)
        self._settings = uvicorn.Config(
            app,
            http=http,
            ws=websocket,
            loop="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=SERVER_BACKLOG,
            timeout_keep_alive=SERVER_KEEP_ALIVE_S,
            timeout_graceful_shutdown=round(SERVER_CLOSE_TIMEOUT_S),
            ws_max_size=FRAME_BYTES_MAX,
            ws_per_message_deflate=False,  # tokens do not compress, and it costs 0.3 MB per connection
            ws_ping_interval=_ping_s(config.limits),
            ws_ping_timeout=_ping_s(config.limits),
            ssl_certfile=config.server.tls_cert or None,
            ssl_keyfile=config.server.tls_key or None,
        )
        self._server = EmbeddedServer(self._settings)
        self._task: asyncio.Task[None] | None = None
        self._port = config.server.port

    @property
    def listens(self) -> bool:
        """Whether clients can connect."""
        return self._task is not None and not self._task.done()

    @property
    def connections(self) -> int:
        return len(self._server.server_state.connections)

    def url(self, scheme: str) -> str:
        """`scheme` is `ws` or `http`; with TLS an `s` is added."""
        return url(f"{scheme}s" if self._config.tls_cert else scheme, self._config.host, self._port)

    async def start(self) -> None:
        """Listen and serve. Raises `ServerError`, `ConfigError`."""
        check_certificate(self._config)
        listening = listen(self._config.host, self._config.port)
        self._port = listening.getsockname()[1]
        self._task = asyncio.create_task(self._server.serve(sockets=[listening]), name="uvicorn")
        await self._server.has_begun.wait()

    def stop_accepting(self) -> None:
        """Nobody can connect any more; who has, stays."""
        self._server.stop_accepting()

    def reconfigure(self, limits: LimitsConfig) -> None:
        """For connections from now on."""
        self._limits.connections_max = limits.connections
        self._limits.head_timeout_s = limits.handshake_timeout_s
        self._limits.stall_timeout_s = limits.idle_timeout_s
        self._settings.ws_ping_interval = self._settings.ws_ping_timeout = _ping_s(limits)

    async def close(self) -> None:
        """Close every connection; what has been written to it gets a moment to arrive. Safe to call twice."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task


def _connection_limits(limits: LimitsConfig) -> ConnectionLimits:
    return ConnectionLimits(limits.connections, limits.handshake_timeout_s, limits.idle_timeout_s, SERVER_HEAD_BYTES_MAX)


def _ping_s(limits: LimitsConfig) -> float:
    """A ping after half of the time, and the other half for the answer."""
    return limits.idle_timeout_s / 2
