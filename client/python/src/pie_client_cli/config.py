"""`pie-client config`: write, change and show `cli_config.toml`."""

import os
from pathlib import Path
from typing import Annotated

import typer

from pie_client_cli import settings
from pie_client_cli.failure import CommandError
from pie_client_cli.settings import Settings

app = typer.Typer(help="Write, change and show the configuration file.", no_args_is_help=True, rich_markup_mode=None)

FilePath = Annotated[Path | None, typer.Option("--path", metavar="PATH", help="The file (default: ~/.pie/cli_config.toml).")]
EnableAuth = Annotated[bool | None, typer.Option("--enable-auth/--no-auth", help="Whether to log in with a key.")]


@app.command()
def init(
    enable_auth: EnableAuth = None,
    path: FilePath = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
) -> None:
    """Write a file with every key."""
    target = _target(path)
    if target.exists() and not force:
        raise CommandError(f"{target} is there already; --force overwrites it")
    first = settings.changed(Settings(), enable_auth=enable_auth)
    key = settings.key_path(first, Path.home())
    _write(target, settings.changed(first, username=first.user, private_key_path=str(key) if key else None))
    typer.echo(target)


@app.command()
def update(
    host: Annotated[str | None, typer.Option("--host", help="Where the engine is: a name, an address, or a URL.")] = None,
    port: Annotated[int | None, typer.Option("--port", min=1, max=65535, help="Its port.")] = None,
    username: Annotated[str | None, typer.Option("--username", help="Who to log in as.")] = None,
    private_key_path: Annotated[str | None, typer.Option("--private-key-path", help="The key to log in with.")] = None,
    enable_auth: EnableAuth = None,
    path: FilePath = None,
) -> None:
    """Change some keys."""
    target = _target(path)
    before = settings.load(target)
    after = settings.changed(
        before, host=host, port=port, username=username, private_key_path=private_key_path, enable_auth=enable_auth
    )
    if after == before:
        typer.echo("nothing to change", err=True)
    _write(target, after)
    if private_key_path:
        settings.key_path(after, Path.home())


@app.command()
def show(path: FilePath = None) -> None:
    """Print the settings in force."""
    target = _target(path)
    typer.echo(f"# {target if target.exists() else f'defaults: there is no {target}'}")
    typer.echo(settings.written(settings.load(path)), nl=False)


def _target(path: Path | None) -> Path:
    return path or settings.default_path(os.environ, Path.home())


def _write(path: Path, values: Settings) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(settings.written(values), "utf-8")
    except OSError as error:
        raise CommandError(f"cannot write {path}: {error.strerror}") from error
