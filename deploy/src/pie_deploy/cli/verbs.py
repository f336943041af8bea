"""How a verb ends: an error of the platform becomes lines on stderr, or with `--json` one object there, and an exit status."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
import typer
from typer.core import TyperCommand, TyperGroup

from pie_deploy.cli.exits import exit_status
from pie_deploy.cli.text import printable
from pie_deploy.errors import DeployError, Detail, ErrorBody, InvalidArgumentError

DETAILS_MAX = 50
"""Reasons shown: a graph of ten thousand vertices may lack something in each."""
LOG = "log"
"""Code of a detail that is a line of a container's log."""
WRONG_CALL: Any = typer.BadParameter.__bases__[0]
"""`UsageError` of the click that this typer has: older ones use click itself, newer ones bring it along."""
_AS_JSON = "pie_deploy.as_json"


@contextmanager
def refusals(*, as_json: bool = False) -> Iterator[None]:
    """Errors of the platform end the command, with their reasons on stderr; with `as_json` also wrong calls are told as JSON."""
    try:
        yield
    except DeployError as error:
        tell_error(error, as_json=as_json)
        raise typer.Exit(exit_status(error.code)) from error
    except WRONG_CALL as error:
        if not as_json:
            raise
        path = error.ctx.command_path if error.ctx is not None else "pie"
        tell_error(InvalidArgumentError(error.format_message(), hint=f"see: {path} --help"), as_json=True)
        raise typer.Exit(error.exit_code) from error


def tell_error(error: DeployError, *, as_json: bool) -> None:
    for line in told(error, as_json=as_json):
        print(line, file=sys.stderr, flush=True)


def told(error: DeployError, *, as_json: bool = False) -> Iterator[str]:
    """The error, its reasons and what to do about it as lines; or as one line of JSON."""
    if as_json:
        yield msgspec.json.encode(ErrorBody(error=error.refusal)).decode()
        return
    yield f"pie: {printable(error.message)}"
    if not (len(error.details) == 1 and error.message.endswith(error.details[0].message)):  # the only reason is in the message
        yield from reasons(error.details)
    if error.hint:
        yield f"  {printable(error.hint)}"


def reasons(details: Sequence[Detail]) -> Iterator[str]:
    """A line each, of many the first."""
    for detail in details[:DETAILS_MAX]:
        about = f"{detail.subject}: " if detail.subject and detail.subject not in detail.message else ""
        yield printable(f"    {detail.message}" if detail.code == LOG else f"  - {about}{detail.message}")
    if (more := len(details) - DETAILS_MAX) > 0:
        yield f"  and {more} more"


def warn(about: str, problems: Sequence[Detail]) -> None:
    """What is wrong with something that was done, or is shown. Nothing, where nothing is."""
    if problems:
        print("\n".join([printable(f"pie: {about}:"), *reasons(problems)]), file=sys.stderr, flush=True)


class _Ending:
    """What commands and groups of the platform have in common: how they end. JSON is wanted as soon as the line says so
    somewhere, so that also what cannot be parsed is told as JSON.
    """

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        as_json = "--json" in args
        with refusals(as_json=as_json):
            context = super().make_context(info_name, args, parent, **extra)  # type: ignore[misc]
        context.meta[_AS_JSON] = as_json
        return context

    def invoke(self, ctx: Any) -> Any:
        with refusals(as_json=ctx.meta[_AS_JSON]):
            return super().invoke(ctx)  # type: ignore[misc]


class Verb(_Ending, TyperCommand):
    """A command of its own, such as `pie up`."""


class Noun(_Ending, TyperGroup):
    """The verbs of one noun, such as `pie backend`."""


def noun(purpose: str) -> typer.Typer:
    """The group of a noun's verbs."""
    return typer.Typer(cls=Noun, help=purpose, no_args_is_help=True, add_completion=False, rich_markup_mode=None)


def verb() -> typer.Typer:
    """The group of a verb that stands alone; its command is made with `cls=Verb`."""
    return typer.Typer(add_completion=False, rich_markup_mode=None)
