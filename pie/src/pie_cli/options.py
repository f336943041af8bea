"""Options that several verbs share."""

from pathlib import Path
from typing import Annotated

import typer

ConfigPath = Annotated[
    Path | None, typer.Option("-c", "--config", metavar="PATH", help="Configuration file (default: $PIE_HOME/config.toml).")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
