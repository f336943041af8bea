"""Arguments and options that several verbs share."""

from typing import Annotated

import typer

from pie_deploy.cli.completion import runtime_names
from pie_deploy.domain.duration import parse_duration

TIMEOUT = "5m"


def a_duration(text: str) -> str:
    """Whoever cannot say how long to wait gets nothing begun. Raises InvalidArgumentError."""
    parse_duration(text)
    return text


Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
JsonLines = Annotated[bool, typer.Option("--json", help="Print a line of JSON each.")]
Watch = Annotated[bool, typer.Option("-w", "--watch", help="Go on showing, until Ctrl-C.")]
JsonErrors = Annotated[bool, typer.Option("--json", help="Tell errors as JSON.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the outcome, and exit with 1 when it is not a good one.")]
Timeout = Annotated[str, typer.Option("--timeout", metavar="DURATION", help="How long to wait.", callback=a_duration)]
Wide = Annotated[bool, typer.Option("--wide", help="All columns, also where the terminal is narrow.")]
LeaseId = Annotated[str | None, typer.Option("--lease", metavar="ID", help="The lease that shall own it.")]
RuntimeRef = Annotated[
    str | None,
    typer.Option("--runtime", metavar="NAME", help="Where to run (default: the one that can).", autocompletion=runtime_names),
]
