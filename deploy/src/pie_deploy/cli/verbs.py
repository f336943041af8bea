"""How a verb ends: an error of the platform becomes a line on stderr and an exit status."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from pie_deploy.cli.exits import exit_status
from pie_deploy.cli.text import printable
from pie_deploy.errors import DeployError, Detail

DETAILS_MAX = 50
"""Reasons shown: a graph of ten thousand vertices may lack something in each."""


@contextmanager
def refusals() -> Iterator[None]:
    """Errors of the platform end the command, with their reasons on stderr."""
    try:
        yield
    except DeployError as error:
        for line in told(error):
            print(line, file=sys.stderr)
        raise typer.Exit(exit_status(error.code)) from error


def told(error: DeployError) -> Iterator[str]:
    """The error and its reasons as lines."""
    yield f"pie: {printable(error.message)}"
    if len(error.details) == 1 and error.message.endswith(error.details[0].message):
        return  # the only reason is in the message
    yield from reasons(error.details)


def reasons(details: Sequence[Detail]) -> Iterator[str]:
    """A line each, of many the first."""
    for detail in details[:DETAILS_MAX]:
        about = f"{detail.subject}: " if detail.subject and detail.subject not in detail.message else ""
        yield printable(f"  - {about}{detail.message}")
    if (more := len(details) - DETAILS_MAX) > 0:
        yield f"  and {more} more"


class Verb(TyperCommand):
    """A command of its own, such as `pie up`."""

    def invoke(self, ctx: Any) -> Any:
        with refusals():
            return super().invoke(ctx)


class Noun(TyperGroup):
    """The verbs of one noun, such as `pie backend`."""

    def invoke(self, ctx: Any) -> Any:
        with refusals():
            return super().invoke(ctx)


def noun(purpose: str) -> typer.Typer:
    """The group of a noun's verbs."""
    return typer.Typer(cls=Noun, help=purpose, no_args_is_help=True, add_completion=False, rich_markup_mode=None)


def verb() -> typer.Typer:
    """The group of a verb that stands alone; its command is made with `cls=Verb`."""
    return typer.Typer(add_completion=False, rich_markup_mode=None)
