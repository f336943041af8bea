"""The command line of bakery."""

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from bakery.build import build
from bakery.create import create
from bakery.errors import BakeryError, BuildError

app = typer.Typer(help="Builds inferlets: from source to a WebAssembly component.", no_args_is_help=True, add_completion=False)


@app.command("build")
def build_command(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="A folder with main.py and Pie.toml, or a Python file.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Where to write the component (default: NAME.wasm here).")
    ] = None,
    cache: Annotated[Path | None, typer.Option(help="Where built components are kept (default: ~/.pie/cache/bakery).")] = None,
    debug: Annotated[bool, typer.Option("--debug", help="On failure, show all that the toolchain said.")] = False,
) -> None:
    """Build a program."""
    try:
        artifact = build(source, cache, progress=_say)
        target = output or Path(f"{artifact.manifest.package.name}.wasm")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(artifact.wasm)
    except (BakeryError, OSError) as error:
        _fail(error, debug=debug)
    _say(f"{target}  {len(artifact.wasm) / 1e6:.1f} MB{'  (as built before)' if artifact.cached else ''}")


@app.command("create")
def create_command(
    name: Annotated[str, typer.Argument(help="The program's name.")],
    folder: Annotated[Path | None, typer.Option("-o", "--output", help="Where to put the project (default: ./NAME).")] = None,
) -> None:
    """Make a new Python project."""
    try:
        target = create(name, folder)
    except (BakeryError, OSError) as error:
        _fail(error, debug=False)
    _say(f"{target}: run it with `pie run {target}`")


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _fail(error: Exception, *, debug: bool) -> NoReturn:
    if debug and isinstance(error, BuildError) and error.log:
        typer.echo(error.log, err=True)
    typer.echo(f"Error: {error}", err=True)
    raise typer.Exit(1)


def main() -> None:
    app(prog_name="bakery")
