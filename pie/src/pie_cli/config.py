"""`pie config`: write, show and change the configuration file."""

import json
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from pie.config import file, reference
from pie.config.home import Home, from_environment
from pie.errors import ConfigError
from pie_cli.options import Json

app = typer.Typer(
    help="Write, show and change the configuration.", no_args_is_help=True, add_completion=False, rich_markup_mode=None
)

FilePath = Annotated[Path | None, typer.Option("--path", metavar="PATH", help="The file (default: $PIE_HOME/config.toml).")]


@app.command()
def init(
    path: FilePath = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
) -> None:
    """Write a configuration file with every key and its default."""
    target = path or from_environment().config
    if target.exists() and not force:
        raise ConfigError(f"{target} is there already; --force overwrites it")
    file.write(target, reference.template())
    typer.echo(target)


@app.command()
def show(path: FilePath = None, as_json: Json = False) -> None:
    """Print the configuration in force, defaults included."""
    home = from_environment()
    config = file.load(home, path)
    if as_json:
        typer.echo(json.dumps(msgspec.to_builtins(config), indent=2, ensure_ascii=False))
    else:
        typer.echo(f"# {_origin(home, path)}\n{file.shown(config)}", nl=False)


@app.command("set")
def set_key(
    key: Annotated[str, typer.Argument(metavar="KEY", help="Dotted, as in model.0.driver.device.")],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="The new value.")],
    path: FilePath = None,
) -> None:
    """Change one key. The whole file is checked first; comments stay. A file that is not there yet is made."""
    target = path or from_environment().config
    try:
        text = file.read(target) if target.exists() else reference.template()
        changed = file.changed(text, key, value)
    except ConfigError as error:
        raise ConfigError(f"{target}: {error}") from error
    file.write(target, changed)


def _origin(home: Home, path: Path | None) -> str:
    chosen = path or home.config
    return str(chosen) if chosen.exists() else f"defaults: there is no {chosen}"
