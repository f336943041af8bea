"""The server: an engine, and everything through which clients reach it. The composition root of `pie serve`.

open     the port is bound, health checks are answered; clients that come wait
load     the models are loaded, clients are served
stop     nobody new; what runs may finish for a while, then is ended; contexts are saved
close    connections and engine end
"""

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Self

from prometheus_client import CollectorRegistry
from starlette.types import Receive, Scope, Send

from pie.auth.credentials import Credentials
from pie.clock import Clock, SystemClock
from pie.config.config import Config
from pie.config.home import Home, from_environment
from pie.engine.engine import Engine
from pie.engine.library import SHARED
from pie.engine.program import InstalledProgram
from pie.errors import ConfigError
from pie.net.hub import Hub
from pie.net.websocket import serve_websocket
from pie.openai.routes import routes
from pie.openai.service import OpenAIService
from pie.processes.process import Process
from pie.server.entrance import Entrance
from pie.server.http_metrics import HttpMetrics
from pie.server.listener import Listener
from pie.server.metrics import ProcessMetrics, Statistics
from pie.server.operations import ServerOperations
from pie.server.readiness import Readiness
from pie.server.routes import OwnRoutes, application
from pie.server.status import status
from pie.server.telemetry import traces
from pie_http.origin import is_loopback, is_trusted

if TYPE_CHECKING:
    from pie_client import PieClient

log = logging.getLogger(__name__)

TOKEN_BYTES = 48
QUIET_POLL_S = 0.02
"""How often it is looked whether everything has finished; only while stopping."""
ENDING_TIMEOUT_S = 2.0
"""How long processes that are ended by force get to tell their clients."""


class Server:
    """`async with Server(config) as server:` embeds an engine with its clients' side in a script or a test."""

    def __init__(
        self,
        config: Config | None = None,
        home: Home | None = None,
        *,
        reread: Callable[[], Config] | None = None,
        allow_open: bool = False,
        clock: Clock | None = None,
    ) -> None:
        """`reread` gives the configuration anew when an operator wants that. `allow_open`: everybody who reaches the address may
        use the server, if the configuration says so. Raises `ServerError`, `ConfigError`."""
        config = config or Config()
        home = home or from_environment()
        self._clock = clock or SystemClock()
        self._began_ns = self._clock.monotonic_ns()
        self._allow_open = allow_open
        self.token = secrets.token_urlsafe(TOKEN_BYTES)
        """Whoever logs in with it is the user `internal`, an operator."""
        self.engine = Engine(config, home, clock=self._clock)
        self._credentials = Credentials(home, enabled=config.auth.enabled)
        self._readiness = Readiness()
        self._operations = ServerOperations(
            self.engine, config, read=reread or _nothing_to_read, apply=self._reconfigure, status=self._status
        )
        self._hub = Hub(self.engine, self._credentials, config, self._operations, token=self.token, clock=self._clock)
        self._openai = OpenAIService(self.engine, self._credentials, config)
        self._traces = traces(config.telemetry, self._clock)
        self.engine.on_end = self._note_end
        registry = CollectorRegistry()
        registry.register(Statistics(self.engine.statistics, self._hub.statistics))
        self._http = HttpMetrics(registry)
        self._processes = ProcessMetrics(registry)
        self._listener = Listener(self._entrance(registry), config)

    @property
    def config(self) -> Config:
        """What is in effect."""
        return self._operations.config

    @property
    def url(self) -> str:
        """Where clients connect, `ws://…` or `wss://…`."""
        return self._listener.url("ws")

    @property
    def http_url(self) -> str:
        return self._listener.url("http")

    @property
    def running(self) -> bool:
        """Clients are served."""
        return self._readiness.phase == "ready" and self._listener.listens

    async def open(self) -> int:
        """Bind the port and answer. Returns how many users may log in. Raises `ConfigError`, `ServerError`, `CredentialsError`."""
        host = self.config.server.host
        if not self.config.auth.enabled and not self._allow_open and not is_loopback(host):
            raise ConfigError(
                f"authentication is off, and {host} can be reached by others: use 127.0.0.1, turn it on, or let everybody in "
                "with `pie serve --no-auth --allow-anyone`"
            )
        users = self._credentials.check()
        await self._listener.start()
        return users

    async def load(self) -> None:
        """Load the models, then serve. Raises what `Engine.start` raises."""
        await self.engine.start()
        self._readiness.enter("ready")

    async def stop(self, grace_s: float) -> None:
        """Let what runs finish, for so many seconds; end the rest; save the contexts. Connections stay. Safe to call twice."""
        was_ready = self._readiness.phase == "ready"
        self._readiness.enter("stopping")
        self.engine.drain(True)
        self._listener.stop_accepting()
        if not await self._quiet(grace_s):
            processes, requests = self.engine.processes(), self._http.in_flight
            log.warning("ending %d processes and %d HTTP answers that are not done after %g s", len(processes), requests, grace_s)
            for process in processes:
                self.engine.terminate(process.id)
            await self._quiet(ENDING_TIMEOUT_S)
        if was_ready:
            await self.engine.save_contexts()

    async def close(self) -> None:
        """End everything now. Safe to call twice, and after a failed `open` or `load`."""
        async with AsyncExitStack() as rest:  # each of them, whatever happens to the others
            rest.push_async_callback(asyncio.to_thread, self._traces.close)
            rest.push_async_callback(self.engine.close)
            rest.push_async_callback(self._listener.close)
            rest.push_async_callback(self._hub.close)
            self._readiness.enter("stopping")

    async def connect(self) -> "PieClient":
        """A client, logged in as `internal`. The caller closes it."""
        from pie_client import PieClient

        client = PieClient(self.url)
        await client.connect()
        await client.auth_by_token(self.token)
        return client

    async def install(self, wasm: bytes, manifest_text: str) -> InstalledProgram:
        """Make a program known to everybody, in place of one of that name and version. Raises `ProgramError`, `ManifestError`."""
        return await self.engine.library.add(SHARED, wasm, manifest_text, force=True)

    async def __aenter__(self) -> Self:
        try:
            await self.open()
            await self.load()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            await self.stop(grace_s=0)
        finally:
            await self.close()

    def _entrance(self, registry: CollectorRegistry) -> Entrance:
        return Entrance(
            http=application(OwnRoutes(self.engine, self._readiness, registry), routes(self._openai)),
            websocket=self._serve_websocket,
            readiness=self._readiness,
            metrics=self._http,
            tracer=self._traces,
            clock=self._clock,
            is_welcome=self._is_welcome,
            wait_s=self.config.limits.handshake_timeout_s,
        )

    async def _serve_websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        await serve_websocket(scope, receive, send, self._hub)

    def _is_welcome(self, headers: Mapping[str, str]) -> bool:
        return self._credentials.enabled or is_trusted(headers, self.config.server.host)

    async def _quiet(self, timeout_s: float) -> bool:
        """Wait until no process lives and no HTTP request is being answered; False if that takes too long."""
        try:
            async with asyncio.timeout(timeout_s):
                while self.engine.processes() or self._http.in_flight:  # noqa: ASYNC110 - two sources, asked only now
                    await asyncio.sleep(QUIET_POLL_S)
        except TimeoutError:
            return False
        return True

    def _note_end(self, process: Process) -> None:
        log.info(
            "process %s (%s of %s) %s after %d tokens", process.id, process.program, process.username, process.state, process.tokens
        )
        self._processes.end(process, self._clock.wall_ns())
        self._traces.process(process)

    def _reconfigure(self, config: Config) -> None:
        self.engine.reconfigure(config)
        self._hub.reconfigure(config)
        self._openai.reconfigure(config)
        self._listener.reconfigure(config.limits)
        logging.getLogger("pie").setLevel(logging.DEBUG if config.server.verbose else logging.NOTSET)

    def _status(self) -> dict[str, object]:
        uptime_s = (self._clock.monotonic_ns() - self._began_ns) / 1e9
        drivers = {model.name: f"{model.driver.type} on {model.driver.device}" for model in self.config.models}
        return status(
            self.engine.statistics(), self._hub.statistics(), phase=self._readiness.phase, uptime_s=uptime_s, drivers=drivers
        )


def _nothing_to_read() -> Config:
    raise ConfigError("this server was not started from a configuration file")
