"""`pie new`: a new program to start from."""

from pathlib import Path
from typing import Annotated

import typer

from pie.errors import ProgramError

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The program's name: letters, digits, '-' and '_'.")],
    folder: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help="Where to make it (default: ./NAME).")
    ] = None,
) -> None:
    """Make a new Python program to start from."""
    from bakery.create import create
    from bakery.errors import BakeryError

    try:
        made = create(name, folder)
    except (BakeryError, OSError) as error:
        raise ProgramError(str(error)) from error
    typer.echo(f"{made}: run it with `pie run {made if '/' in str(made) else f'./{made}'}`", err=True)
