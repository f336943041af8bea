"""`pie-client ping`: is the engine there, and how far away?"""

import asyncio
import time
from typing import TYPE_CHECKING

import typer

from pie_client_cli.options import ConfigPath, Host, Port, PrivateKeyPath, Username, chosen

if TYPE_CHECKING:
    from pie_client_cli.settings import Settings


def ping(
    config: ConfigPath = None,
    host: Host = None,
    port: Port = None,
    username: Username = None,
    private_key_path: PrivateKeyPath = None,
) -> None:
    """Ask the engine whether it is there."""
    settings = chosen(config, host, port, username, private_key_path)
    typer.echo(f"{settings.uri} answered in {asyncio.run(_ping(settings)) * 1000:.1f} ms")


async def _ping(settings: "Settings") -> float:
    """Seconds there and back."""
    from pie_client_cli.session import session

    async with session(settings) as client:
        began = time.perf_counter()
        await client.ping()
        return time.perf_counter() - began
