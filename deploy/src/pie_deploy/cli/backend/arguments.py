"""Arguments that the verbs of backends share, and what they look like as text."""

import re
from typing import Annotated

import typer

from pie_deploy.cli.completion import backend_names
from pie_deploy.errors import InvalidArgumentError

BackendRef = Annotated[
    str, typer.Argument(metavar="BACKEND", help="A backend's name or id.", autocompletion=backend_names, show_default=False)
]
VertexName = Annotated[str, typer.Argument(metavar="VERTEX", help="A vertex of it.")]
IfMatch = Annotated[
    int | None, typer.Option("--if-match", min=0, metavar="SEQ", help="Only if the newest operation is still this one.")
]

SLOT = re.compile(r"(?P<vertex>[^.\s]+)(?:\.(?P<side>in|out)(?P<position>[0-9]{1,6}))?")


def slot(text: str, side: str) -> tuple[str, int]:
    """`tokenise.out1` or `tokenise`, which means position 0. Raises InvalidArgumentError."""
    found = SLOT.fullmatch(text)
    if found is None or found["side"] not in (None, side):
        raise InvalidArgumentError(
            f"{text!r} is not {'an output' if side == 'out' else 'an input'}: write VERTEX or VERTEX.{side}0"
        )
    return found["vertex"], int(found["position"] or 0)


def assignment(text: str) -> tuple[str, str]:
    """`lower=true`. Raises InvalidArgumentError."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise InvalidArgumentError(f"{text!r} is not NAME=LITERAL")
    return name, value


def backend_or_deployment(backend: str | None, deployment: str | None) -> str:
    """The one that was given. Raises InvalidArgumentError."""
    if (backend is None) == (deployment is None):
        raise InvalidArgumentError("say which: a backend, or --deployment ID")
    return backend or deployment or ""
