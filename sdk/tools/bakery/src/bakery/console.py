"""How commands speak: results on stdout, everything else on stderr, errors as `Error: …` with exit code 1."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import msgspec
import typer

from bakery.errors import BakeryError, BuildError


def say(text: str) -> None:
    """To people: on stderr, so that stdout carries only results."""
    typer.echo(text, err=True)


def give(text: str) -> None:
    """A result, on stdout."""
    typer.echo(text)


def give_json(value: Any) -> None:
    give(msgspec.json.encode(value).decode())


def width() -> int:
    return shutil.get_terminal_size((120, 24)).columns


def fail(error: Exception, *, debug: bool = False) -> NoReturn:
    if debug and isinstance(error, BuildError) and error.log:
        typer.echo(error.log, err=True)
    typer.echo(f"Error: {error}", err=True)
    raise typer.Exit(1)


@contextmanager
def reporting(*, debug: bool = False) -> Iterator[None]:
    """What goes wrong inside ends the command."""
    try:
        yield
    except (BakeryError, OSError) as error:
        fail(error, debug=debug)
