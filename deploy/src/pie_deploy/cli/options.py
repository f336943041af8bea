"""Arguments and options that several verbs share."""

from typing import Annotated

import typer

from pie_deploy.cli.completion import runtime_names

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
JsonLines = Annotated[bool, typer.Option("--json", help="Print a line of JSON each.")]
Watch = Annotated[bool, typer.Option("-w", "--watch", help="Go on showing, until Ctrl-C.")]
LeaseId = Annotated[str | None, typer.Option("--lease", metavar="ID", help="The lease that shall own it.")]
RuntimeRef = Annotated[
    str | None,
    typer.Option("--runtime", metavar="NAME", help="Where to run (default: the one that can).", autocompletion=runtime_names),
]
