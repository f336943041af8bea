"""Options that several verbs share."""

from pathlib import Path
from typing import Annotated

import typer

ConfigPath = Annotated[
    Path | None, typer.Option("-c", "--config", metavar="PATH", help="Configuration file (default: $PIE_HOME/config.toml).")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

Url = Annotated[str | None, typer.Option("--url", metavar="URL", help="The server (default: that of the configuration file).")]
Username = Annotated[str | None, typer.Option("--username", metavar="NAME", help="Who you are there (default: your name here).")]
PrivateKeyPath = Annotated[
    Path | None, typer.Option("--private-key-path", metavar="PATH", help="Your private key, if the server wants to see one.")
]
