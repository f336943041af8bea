"""Parameter values that name an endpoint of another vertex: `"vertex://NAME/ENDPOINT"` becomes its URL in the container."""

import re
from dataclasses import dataclass

from pie_deploy.domain.graph import Shape

_REFERENCE = re.compile(r'"vertex://(?P<vertex>[^/"\\]+)/(?P<endpoint>[^/"\\]+)(?P<rest>/[^"\\]*)?"')


@dataclass(frozen=True, slots=True)
class Reference:
    vertex: str
    endpoint: str
    rest: str = ""
    """Of the path, below the endpoint."""

    def __str__(self) -> str:
        return f"vertex://{self.vertex}/{self.endpoint}"


def reference_of(literal: str) -> Reference | None:
    """The endpoint that a literal names; None: it is a value like any other."""
    match = _REFERENCE.fullmatch(literal)
    return None if match is None else Reference(match["vertex"], match["endpoint"], match["rest"] or "")


def leads_somewhere(reference: Reference, shape: Shape | None) -> bool:
    """Whether the vertex of that shape (None: there is none) has the endpoint, with a port of its own: only commands have."""
    manifest = None if shape is None else shape.manifest
    return manifest is not None and manifest.language == "command" and reference.endpoint in manifest.http
