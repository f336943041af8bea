"""The control plane as an OS process of its own, `python -m pie_deploy.app`: what `pie up` becomes, or starts in the background.

SIGINT, SIGTERM, SIGHUP   stop, containers too (unless --keep); a second one: at once
SIGUSR1                   stop, but leave the containers to the next control plane
"""

import argparse
import asyncio
import logging
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec
import uvloop

from pie_deploy.app.log_rotation import LogRotation
from pie_deploy.app.platform import Platform
from pie_deploy.cli.exits import exit_status
from pie_deploy.cli.verbs import told
from pie_deploy.config import Config, Home, default_home
from pie_deploy.config.file import load
from pie_deploy.config.platform_log import platform_log
from pie_deploy.errors import DeployError
from pie_http.foreground import Stop, allow_many_connections, boxed, say, spare_collector


@dataclass(frozen=True, slots=True)
class Options:
    config: Path | None
    port: int | None
    gateway_port: int | None
    keep: bool
    as_json: bool
    debug: bool


def main() -> None:
    options = _options(sys.argv[1:])
    _log(debug=options.debug)
    allow_many_connections()
    home = default_home()
    try:
        config = overridden(load(home, options.config), port=options.port, gateway_port=options.gateway_port)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(Process(home, config, options).to_the_end())
    except DeployError as error:
        for line in told(error, as_json=options.as_json):
            say(line)
        sys.exit(exit_status(error.code))


def overridden(config: Config, *, port: int | None, gateway_port: int | None) -> Config:
    """The configuration with what was said on the command line."""
    replace = msgspec.structs.replace
    if port is not None:
        config = replace(config, api=replace(config.api, port=port))
    if gateway_port is not None:
        config = replace(config, gateway=replace(config.gateway, port=gateway_port))
    return config


class Process:
    """One control plane's life, and who ends it."""

    def __init__(self, home: Home, config: Config, options: Options) -> None:
        self._platform = Platform(home, config)
        self._home = home
        self._options = options
        self._keep = options.keep
        self._stop = Stop()

    async def to_the_end(self) -> None:
        """Raises what the platform raises when it cannot be started, or fails."""
        self._heed_signals()
        rotation = asyncio.create_task(LogRotation(platform_log(self._home)).run(), name="log rotation")
        try:
            await self._platform.start()
            spare_collector()
            self._tell()
            await self._until_stopped()
        finally:
            await self._platform.stop(keep_containers=self._keep)
            rotation.cancel()

    def _tell(self) -> None:
        platform = self._platform
        for line in banner(platform, self._home):
            say(line)
        say(f"✓ Platform ready at {platform.api_url}")
        if self._options.as_json:
            ready = {"api_url": platform.api_url, "gateway_url": platform.gateway_url, "pid": os.getpid()}
            print(msgspec.json.encode(ready).decode(), flush=True)

    async def _until_stopped(self) -> None:
        stop = asyncio.create_task(self._stop.wait())
        failure = asyncio.create_task(self._platform.failure())
        await asyncio.wait((stop, failure), return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if failure.done():
            failure.result()
        failure.cancel()
        say("stopping" + (": containers run on for the next `pie up`" if self._keep else "; Ctrl-C again stops at once"))

    def _heed_signals(self) -> None:
        self._stop.heed_signals()
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self._stop_and_keep)

    def _stop_and_keep(self) -> None:
        self._keep = True
        self._stop.ask()


def banner(platform: Platform, home: Home) -> list[str]:
    """What a person wants to see at the start."""
    rows = [
        ("API", platform.api_url),
        ("Gateway", platform.gateway_url),
        ("Home", str(home.root)),
        ("Database", platform.database),
        ("Runtimes", ", ".join(platform.config.runtimes) or "none"),
    ]
    return boxed("Pie deployment platform", rows)


def _options(arguments: list[str]) -> Options:
    parser = argparse.ArgumentParser("python -m pie_deploy.app", description="The control plane; `pie up` starts it.")
    parser.add_argument("--config", type=Path)
    parser.add_argument("--port", type=int)
    parser.add_argument("--gateway-port", type=int)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--json", action="store_true", dest="as_json")
    parser.add_argument("--debug", action="store_true")
    return Options(**vars(parser.parse_args(arguments)))


def _log(*, debug: bool) -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s pie: %(levelname)s %(name)s: %(message)s")
    logging.getLogger("pie_deploy").setLevel(logging.DEBUG if debug else logging.NOTSET)
