"""`pie check`: is this configuration file right?"""

from pathlib import Path
from typing import Annotated

import typer

from pie.config import file
from pie.config.home import from_environment

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def check(
    path: Annotated[Path | None, typer.Argument(metavar="[TOML]", help="The file (default: $PIE_HOME/config.toml).")] = None,
) -> None:
    """Check a configuration file, without loading anything."""
    home = from_environment()
    config = file.load(home, path)
    name = path or (home.config if home.config.exists() else "defaults")
    models = ", ".join(f"{model.name}:{model.driver.type}" for model in config.models)
    count = len(config.models)
    typer.echo(f"✓ {name} valid: {count} model{'s' if count > 1 else ''}; {models}")
