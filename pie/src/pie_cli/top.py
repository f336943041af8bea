"""`pie top`: a running server at work, on the terminal."""

import asyncio
import sys
from pathlib import Path

import typer

from pie.errors import InvalidArgumentError
from pie_cli.operating import configured_url, session
from pie_cli.options import PrivateKeyPath, Url, Username

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def top(url: Url = None, username: Username = None, private_key_path: PrivateKeyPath = None) -> None:
    """Show models and processes of a running server, once a second; inspect and end processes. For operators."""
    if not sys.stdout.isatty():
        raise InvalidArgumentError("`pie top` needs a terminal; `pie ps --json` and /metrics are for programs")
    asyncio.run(_show(url or configured_url(), username, private_key_path))


async def _show(url: str, username: str | None, key_path: Path | None) -> None:
    from pie_cli.top_app import Monitor
    from pie_cli.top_source import ClientSource, SourceError

    async with session(url, username, key_path) as client:
        source = ClientSource(client)
        try:
            await source.look()  # before the screen is taken over
        except SourceError as error:
            raise InvalidArgumentError(f"{url}: {error}") from error
        await Monitor(source, url).run_async()
