"""A graph as a document that people write: what `apply` reads and `export` prints.

name: wordcount
description: Counts words.
vertices:
  tokenise: {component: ./tokenise, parameters: {lower: true}}     # ./folder is published first; or name, name@version, cv-…
  count: {component: count@3, files: {stopwords: stopwords-en}}
  pairs: {transformation: zip}
edges:
  - tokenise.out0 -> count.in0        # `tokenise -> count`: position 0 of both
aliases:
  tokenise.text: text                 # vertex.endpoint: role

A parameter's value is a literal (a String has quotes of its own: '"text"'); a number or a truth value may stand as it is.
"""

import re
from collections.abc import Callable, Mapping
from typing import Annotated

import msgspec

from pie_deploy.domain.fields import FieldError, convert
from pie_deploy.domain.graph import ComponentSource, Edge, Graph, Slot, Vertex
from pie_deploy.domain.manifest import Name, literal_text
from pie_deploy.domain.suggestion import hint
from pie_deploy.domain.yaml_text import dump_yaml, load_yaml
from pie_deploy.errors import ManifestError
from pie_deploy.limits import DOCUMENT_BYTES_MAX, LABEL_CHARACTERS_MAX, SLOTS_MAX, TEXT_CHARACTERS_MAX, VERTICES_MAX

Label = Annotated[str, msgspec.Meta(max_length=LABEL_CHARACTERS_MAX)]
Text = Annotated[str, msgspec.Meta(max_length=TEXT_CHARACTERS_MAX)]
Value = bool | int | float | str

_EDGE = re.compile(
    r"\s*(?P<from>[a-z][a-z0-9_-]{0,62})(?:\.out(?P<out>[0-9]{1,4}))?\s*->\s*(?P<to>[a-z][a-z0-9_-]{0,62})(?:\.in(?P<in>[0-9]{1,4}))?\s*",
    re.ASCII,
)
_ALIAS = re.compile(r"(?P<vertex>[a-z][a-z0-9_-]{0,62})\.(?P<endpoint>[a-z][a-z0-9_-]{0,62})", re.ASCII)


class VertexDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    component: str | None = None
    """A folder (`./…`, only where there are folders: the CLI), `name`, `name@version`, or a version's id."""
    transformation: str | None = None
    parameters: dict[str, Value] = {}
    files: dict[str, str] = {}
    """File (name or id) by slot."""
    label: Label = ""
    note: Text = ""
    position: tuple[float, float] | None = None

    def literals(self) -> dict[str, str]:
        """The parameters as literals."""
        return {name: value if isinstance(value, str) else literal_text(value) for name, value in self.parameters.items()}


class GraphDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    name: Name | None = None
    """Of the backend. None: whichever it is applied to."""
    description: Text = ""
    vertices: Annotated[dict[Name, VertexDocument], msgspec.Meta(max_length=VERTICES_MAX)] = {}
    edges: Annotated[tuple[str, ...], msgspec.Meta(max_length=VERTICES_MAX * SLOTS_MAX)] = ()
    aliases: dict[str, Name] = {}


def parse_document(text: str | bytes, file_name: str = "backend.yml") -> GraphDocument:
    """Raises ManifestError, which names the field."""
    value = load_yaml(text, file_name, bytes_max=DOCUMENT_BYTES_MAX)
    try:
        document = convert({} if value is None else value, GraphDocument)
        check_document(document)
    except FieldError as error:
        raise ManifestError(f"{file_name}: {error}", hint=error.hint) from error
    except ManifestError as error:
        raise error.within(file_name) from error
    return document


def print_document(document: GraphDocument) -> str:
    """YAML that `parse_document` reads as the same document."""
    return dump_yaml(msgspec.to_builtins(document))


def check_document(document: GraphDocument) -> None:
    """For documents that came as JSON. Raises ManifestError unless edges and aliases can be read and each vertex runs something."""
    for name, vertex in document.vertices.items():
        if (vertex.component is None) == (vertex.transformation is None):
            raise ManifestError(f"vertices.{name}: give a component or a transformation, one of the two")
    edges_of(document)
    aliases_of(document)


def edges_of(document: GraphDocument) -> list[Edge]:
    """In the order of the document, each once. Raises ManifestError."""
    edges: dict[Edge, None] = {}
    for number, text in enumerate(document.edges):
        match = _EDGE.fullmatch(text)
        if match is None:
            raise ManifestError(f"edges[{number}]: {text[:80]!r} is not like `a.out0 -> b.in0`")
        edge = Edge(Slot(match["from"], int(match["out"] or 0)), Slot(match["to"], int(match["in"] or 0)))
        for vertex in (edge.output.vertex, edge.input.vertex):
            if vertex not in document.vertices:
                raise ManifestError(f"edges[{number}]: there is no vertex {vertex}", hint=hint(vertex, document.vertices))
        edges[edge] = None
    return list(edges)


def aliases_of(document: GraphDocument) -> dict[tuple[str, str], str]:
    """Role by (vertex, endpoint). Raises ManifestError."""
    aliases: dict[tuple[str, str], str] = {}
    for text, role in document.aliases.items():
        match = _ALIAS.fullmatch(text)
        if match is None:
            raise ManifestError(f"aliases: {text[:140]!r} is not like `vertex.endpoint`")
        if match["vertex"] not in document.vertices:
            raise ManifestError(f"aliases: there is no vertex {match['vertex']}", hint=hint(match["vertex"], document.vertices))
        aliases[match["vertex"], match["endpoint"]] = role
    return aliases


def document_of(graph: Graph, name: str | None = None) -> GraphDocument:
    """The document that describes a graph, with version ids and file ids (`renamed` makes them readable).

    Rotations of forwarding tokens are the backend's and not part of it.
    """
    return GraphDocument(
        name=name,
        description=graph.description,
        vertices={vertex.name: _vertex_document(vertex) for vertex in graph.vertices.values()},
        edges=tuple(map(str, sorted(graph.edges))),
        aliases={f"{vertex}.{endpoint}": role for (vertex, endpoint), role in sorted(graph.aliases.items())},
    )


def renamed(document: GraphDocument, component: Callable[[str], str], file: Callable[[str], str]) -> GraphDocument:
    """The document with other references: names for ids when it is shown, ids for names before it is applied."""
    vertices = {
        name: msgspec.structs.replace(
            vertex,
            component=None if vertex.component is None else component(vertex.component),
            files={slot: file(reference) for slot, reference in vertex.files.items()},
        )
        for name, vertex in document.vertices.items()
    }
    return msgspec.structs.replace(document, vertices=vertices)


def _vertex_document(vertex: Vertex) -> VertexDocument:
    source = vertex.source
    return VertexDocument(
        component=source.version_id if isinstance(source, ComponentSource) else None,
        transformation=None if isinstance(source, ComponentSource) else source.name,
        parameters={name: _plain(literal) for name, literal in vertex.parameters.items()},
        files=dict(vertex.files),
        label=vertex.label,
        note=vertex.note,
        position=vertex.position,
    )


_PLAIN: Mapping[str, bool] = {"true": True, "false": False}


def _plain(literal: str) -> Value:
    """A literal as YAML shows it best: truth values and numbers without quotes, where that means the same."""
    if literal in _PLAIN:
        return _PLAIN[literal]
    for read in (int, float):
        try:
            value: int | float = read(literal)
        except ValueError:
            continue
        if literal_text(value) == literal and value - value == 0:
            return value
    return literal
