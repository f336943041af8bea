"""`pie serve`: the server, in the foreground until it is told to stop."""

import asyncio
import json
import logging
import os
import sys
from importlib.metadata import version
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING, Annotated

import typer

from pie.errors import ServerError
from pie_cli.options import ConfigPath
from pie_http.foreground import Stop, allow_many_connections, boxed, say, spare_collector

if TYPE_CHECKING:
    from pie.config.config import Config
    from pie.config.home import Home
    from pie.server import Server

LOG_BYTES_MAX = 10 << 20
"""Of a log file; the one before it is kept."""
HINT_NO_USERS = "nobody can log in yet; add yourself: pie auth add NAME --operator < ~/.ssh/id_ed25519.pub"

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def serve(
    config_path: ConfigPath = None,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on, instead of the configured one.")] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65535, help="Port, instead of the configured one; 0: a free one.")
    ] = None,
    no_auth: Annotated[bool, typer.Option("--no-auth", help="Ask nobody for a key. Only on a loopback address.")] = False,
    allow_anyone: Annotated[
        bool, typer.Option("--allow-anyone", help="With --no-auth: on any address. Whoever reaches it may use this machine.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Log what the server does.")] = False,
    monitor: Annotated[bool, typer.Option("-m", "--monitor", help="Show the server at work; to quit is to stop it.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON on stdout when the server is ready.")] = False,
) -> None:
    """Load the models and serve clients until Ctrl-C: WebSocket, and HTTP as OpenAI has it, on one port.

    A first Ctrl-C lets running processes finish (`server.grace_s`), a second one ends everything at once.
    """
    from pie.config import file, home
    from pie.server import Server

    if allow_anyone and not no_auth:
        raise typer.BadParameter("--allow-anyone is for --no-auth")
    if monitor and not sys.stdout.isatty():
        raise typer.BadParameter("--monitor needs a terminal; /metrics and `pie ps --json` are for programs")
    here = home.from_environment()

    def read() -> "Config":
        return overridden(file.load(here, config_path), host=host, port=port, no_auth=no_auth, debug=debug)

    config = read()
    allow_many_connections()
    log_to(here if monitor else None, verbose=config.server.verbose)
    server = Server(config, here, reread=read, allow_open=no_auth and allow_anyone)
    serving = Serving(server, as_json=as_json, monitor=monitor)
    raise typer.Exit(asyncio.run(serving.to_the_end()))


def overridden(config: "Config", *, host: str | None, port: int | None, no_auth: bool, debug: bool) -> "Config":
    """The configuration with what was said on the command line."""
    from msgspec.structs import replace

    server = replace(
        config.server,
        host=config.server.host if host is None else host,
        port=config.server.port if port is None else port,
        verbose=config.server.verbose or debug,
    )
    return replace(config, server=server, auth=replace(config.auth, enabled=config.auth.enabled and not no_auth))


def log_to(home: "Home | None", *, verbose: bool) -> None:
    """Log to stderr, or into a file in the home while stderr is a monitor's. Raises `ServerError`."""
    handler: logging.Handler = logging.StreamHandler()
    if home is not None:
        try:
            home.root.mkdir(parents=True, exist_ok=True)
            handler = RotatingFileHandler(home.root / "serve.log", maxBytes=LOG_BYTES_MAX, backupCount=1)
        except OSError as error:
            raise ServerError(f"{home.root}: the log cannot be written: {error.strerror}") from error
    logging.basicConfig(handlers=[handler], level=logging.WARNING, format="%(asctime)s pie: %(levelname)s %(name)s: %(message)s")
    logging.getLogger("pie").setLevel(logging.DEBUG if verbose else logging.NOTSET)


class Serving:
    """One server's life, and who ends it."""

    def __init__(self, server: "Server", *, as_json: bool, monitor: bool) -> None:
        self._server = server
        self._as_json = as_json
        self._monitor = monitor
        self._stop = Stop()

    async def to_the_end(self) -> int:
        """The exit code. Raises what the server raises when it cannot be started."""
        self._stop.heed_signals()
        try:
            users = await self._server.open()
            for line in banner(self._server, users):
                say(line)
            if await self._load():
                spare_collector()
                await self._serve()
        finally:
            await self._server.close()
        return 0

    async def _load(self) -> bool:
        """Whether the models are loaded now; False: told to stop before."""
        loading = asyncio.create_task(self._server.load())
        stop = asyncio.create_task(self._stop.wait())
        await asyncio.wait((loading, stop), return_when=asyncio.FIRST_COMPLETED)
        for task in (loading, stop):
            if not task.done():
                task.cancel()
        await asyncio.wait((loading, stop))
        if loading.cancelled():
            return False
        loading.result()
        return not self._stop.is_asked

    async def _serve(self) -> None:
        say(f"✓ Server ready at {self._server.url}")
        if self._as_json:
            ready = {"url": self._server.url, "http_url": self._server.http_url, "pid": os.getpid()}
            print(json.dumps(ready), flush=True)
        if self._monitor:
            await self._watched()
        else:
            await self._stop.wait()
        grace_s = self._server.config.server.grace_s
        if count := len(self._server.engine.processes()):
            say(f"stopping: running processes ({count}) get up to {grace_s:g} s to finish; Ctrl-C again stops at once")
        await self._server.stop(grace_s)

    async def _watched(self) -> None:
        """Show the monitor until somebody quits it or tells us to stop."""
        from pie_cli.top_app import Monitor
        from pie_cli.top_source import ClientSource

        client = await self._server.connect()
        try:
            monitor = Monitor(ClientSource(client), self._server.url)
            showing = asyncio.create_task(monitor.run_async())
            stop = asyncio.create_task(self._stop.wait())
            await asyncio.wait((showing, stop), return_when=asyncio.FIRST_COMPLETED)
            stop.cancel()
            monitor.exit()
            await showing
        finally:
            await client.close()


def banner(server: "Server", users: int) -> list[str]:
    """What a person wants to see at the start."""
    config = server.config
    rows = [("Host", server.url)]
    for model in config.models:
        rows += [("Model", model.name), ("Driver", model.driver.type), ("Device", model.driver.device)]
    rows.append(("Auth", "on" if config.auth.enabled else "off: whoever reaches the address may use the server"))
    if config.auth.enabled:
        rows[-1] = ("Auth", f"on, {users} user{'' if users == 1 else 's'}")
    lines = boxed(f"Pie {version('pie-engine')}", rows)
    return [*lines, HINT_NO_USERS] if config.auth.enabled and users == 0 else lines
