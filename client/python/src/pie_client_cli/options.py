"""Options that several verbs share."""

from pathlib import Path
from typing import Annotated

import typer

from pie_client_cli import settings
from pie_client_cli.settings import Settings

ConfigPath = Annotated[
    Path | None, typer.Option("--config", metavar="PATH", help="Configuration file (default: ~/.pie/cli_config.toml).")
]
Host = Annotated[str | None, typer.Option("--host", help="Where the engine is: a name, an address, or a URL.")]
Port = Annotated[int | None, typer.Option("--port", min=1, max=65535, help="Its port.")]
Username = Annotated[str | None, typer.Option("--username", help="Who to log in as.")]
PrivateKeyPath = Annotated[str | None, typer.Option("--private-key-path", metavar="PATH", help="The key to log in with.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ProcessPrefix = Annotated[str, typer.Argument(metavar="PREFIX", help="A process's id, or enough of its beginning.")]


def chosen(config: Path | None, host: str | None, port: int | None, username: str | None, key: str | None) -> Settings:
    """The settings in force: the file's, and the command line's before them. Raises `CommandError`."""
    return settings.changed(settings.load(config), host=host, port=port, username=username, private_key_path=key)
