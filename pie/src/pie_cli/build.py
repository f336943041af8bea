"""`pie build`: from source to a component."""

from pathlib import Path
from typing import Annotated

import typer

from pie.config.home import from_environment
from pie.errors import ProgramError

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def build(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="A folder with main.py and Pie.toml, or a Python file.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="The component (default: NAME.wasm).")
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="On failure, show all that the toolchain said.")] = False,
) -> None:
    """Build a program into a component."""
    from bakery.build import build as bake
    from bakery.errors import BakeryError, BuildError

    try:
        artifact = bake(source, from_environment().built, progress=_say)
        target = output or Path(f"{artifact.manifest.package.name}.wasm")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(artifact.wasm)
    except (BakeryError, OSError) as error:
        if debug and isinstance(error, BuildError) and error.log:
            _say(error.log)
        raise ProgramError(str(error)) from error
    _say(f"{target}  {len(artifact.wasm) / 1e6:.1f} MB{'  (as built before)' if artifact.cached else ''}")


def _say(text: str) -> None:
    typer.echo(text, err=True)
