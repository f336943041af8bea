"""`pie drain`: let a running server begin nothing new."""

from typing import Annotated

import typer

from pie_cli.operating import ask
from pie_cli.options import PrivateKeyPath, Url, Username

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def drain(
    off: Annotated[bool, typer.Option("--off", help="Take new processes again.")] = False,
    url: Url = None,
    username: Username = None,
    private_key_path: PrivateKeyPath = None,
) -> None:
    """Take no new processes; those that run go on. For operators."""
    ask(url, username, private_key_path, lambda client: client.drain(not off))
    typer.echo("✓ takes new processes" if off else "✓ takes nothing new; `pie ps` shows what still runs, --off ends this")
