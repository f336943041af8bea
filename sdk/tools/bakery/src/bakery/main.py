"""The command line of bakery."""

from pathlib import Path
from typing import Annotated

import typer

from bakery import registry_commands
from bakery.build import build
from bakery.console import reporting, say
from bakery.create import create
from bakery.registry.commands import registry_app

app = typer.Typer(help="Builds inferlets and publishes them.", no_args_is_help=True, add_completion=False)


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
    with reporting(debug=debug):
        artifact = build(source, cache, progress=say)
        target = output or Path(f"{artifact.manifest.package.name}.wasm")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(artifact.wasm)
    say(f"{target}  {len(artifact.wasm) / 1e6:.1f} MB{'  (as built before)' if artifact.cached else ''}")


@app.command("create")
def create_command(
    name: Annotated[str, typer.Argument(help="The program's name.")],
    folder: Annotated[Path | None, typer.Option("-o", "--output", help="Where to put the project (default: ./NAME).")] = None,
) -> None:
    """Make a new Python project."""
    with reporting():
        target = create(name, folder)
    say(f"{target}: run it with `pie run {target}`")


registry_commands.add_to(app)
app.add_typer(registry_app, name="registry")


def main() -> None:
    app(prog_name="bakery")
