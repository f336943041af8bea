"""What makes one graph of another: the operations between a graph and a document (`pie_deploy.domain.graph_document`)."""

from collections.abc import Iterator, Mapping

from pie_deploy.domain.graph import ComponentSource, Edge, Graph, Vertex
from pie_deploy.domain.graph_document import (
    GraphDocument,
    VertexDocument,
    aliases_of,
    check_document,
    document_of,
    edges_of,
    parse_document,
    print_document,
    renamed,
)
from pie_deploy.domain.inverse import ends_of
from pie_deploy.domain.operations import (
    AddFile,
    AddVertex,
    ChangeEndpointAlias,
    ChangeParameter,
    ChangeVersion,
    Connect,
    DeleteVertex,
    Describe,
    Disconnect,
    MoveVertex,
    Operation,
    RemoveFile,
    RenameVertex,
    SetNote,
)
from pie_flow.transformations import TRANSFORMATIONS

__all__ = [
    "GraphDocument",
    "VertexDocument",
    "changes",
    "check_document",
    "difference",
    "document_of",
    "parse_document",
    "print_document",
    "renamed",
]


def changes(current: Graph, document: GraphDocument) -> list[Operation]:
    """Operations that make the current graph what the document says: what it lacks goes, what stands there comes. None: it is that.

    References are ids by now. Each operation fits after those before it whenever the outcome is sound: what depends on a vertex's
    shape (edges, values, aliases) is taken off before the shape changes, and put back after. Raises ManifestError for a document
    that cannot be read.
    """
    return list(_Changes(current, document).all())


def difference(graph: Graph, other: Graph) -> list[Operation]:
    """Operations that make the one graph the other."""
    return changes(graph, document_of(other))


class _Changes:
    def __init__(self, current: Graph, document: GraphDocument) -> None:
        self._current = current
        self._document = document
        self._wanted = document.vertices
        both = {name: vertex for name, vertex in current.vertices.items() if name in self._wanted}
        self._replaced = {name for name, vertex in both.items() if _is_other(vertex, self._wanted[name])}
        """Deleted and added anew: another kind of thing, or a transformation that several parameters make another."""
        self._reshaped = {name for name, vertex in both.items() if _reshapes(vertex, self._wanted[name])}
        self._edges = edges_of(document)
        self._aliases = aliases_of(document)
        self._kept_edges = {edge for edge in self._edges if edge in current.edges and not self._touches(edge)}
        self._kept_aliases = {
            key for key, role in self._aliases.items() if current.aliases.get(key) == role and not self._moves(key[0])
        }

    def all(self) -> Iterator[Operation]:
        yield from self._removed()
        yield from self._changed_vertices()
        yield from self._added_vertices()
        for edge in self._edges:
            if edge not in self._kept_edges:
                output, input_ = ends_of(edge)
                yield Connect(output=output, input=input_)
        for (vertex, endpoint), role in self._aliases.items():
            if (vertex, endpoint) not in self._kept_aliases:
                yield ChangeEndpointAlias(vertex=vertex, endpoint=endpoint, role=role)
        if self._document.description != self._current.description:
            yield Describe(description=self._document.description)

    def _removed(self) -> Iterator[Operation]:
        gone = [name for name in self._current.vertices if name not in self._wanted or name in self._replaced]
        going = set(gone)
        for edge in sorted(self._current.edges - self._kept_edges):
            if edge.output.vertex not in going and edge.input.vertex not in going:
                output, input_ = ends_of(edge)
                yield Disconnect(output=output, input=input_)
        for key in self._current.aliases:
            if key not in self._kept_aliases and key[0] not in going:
                yield ChangeEndpointAlias(vertex=key[0], endpoint=key[1])
        for name in gone:
            yield DeleteVertex(vertex=name)

    def _changed_vertices(self) -> Iterator[Operation]:
        for name, wanted in self._wanted.items():
            vertex = self._current.vertices.get(name)
            if vertex is not None and name not in self._replaced:
                yield from _values(vertex, wanted)
                yield from _appearance(vertex, wanted)

    def _added_vertices(self) -> Iterator[Operation]:
        for name, wanted in self._wanted.items():
            if name in self._current.vertices and name not in self._replaced:
                continue
            yield AddVertex(
                vertex=name,
                component=wanted.component,
                transformation=wanted.transformation,
                parameters=wanted.literals(),
                position=wanted.position,
            )
            for slot, file in wanted.files.items():
                yield AddFile(vertex=name, slot=slot, file=file)
            if wanted.label:
                yield RenameVertex(vertex=name, label=wanted.label)
            if wanted.note:
                yield SetNote(vertex=name, note=wanted.note)

    def _moves(self, vertex: str) -> bool:
        return vertex in self._replaced or vertex in self._reshaped

    def _touches(self, edge: Edge) -> bool:
        return self._moves(edge.output.vertex) or self._moves(edge.input.vertex)


def _is_other(vertex: Vertex, wanted: VertexDocument) -> bool:
    source = vertex.source
    if isinstance(source, ComponentSource):
        return wanted.component is None
    several = len(_changed(vertex.parameters, wanted.literals())) > 1
    return wanted.transformation != source.name or (several and bool(_shaping(vertex, wanted)))


def _reshapes(vertex: Vertex, wanted: VertexDocument) -> bool:
    """Whether the vertex's slots may become others while it stays."""
    source = vertex.source
    if isinstance(source, ComponentSource):
        return wanted.component != source.version_id
    return bool(_shaping(vertex, wanted))


def _shaping(vertex: Vertex, wanted: VertexDocument) -> list[str]:
    """The changed parameters of a transformation, without the mutable ones, which never decide its slots."""
    transformation = TRANSFORMATIONS.get("" if isinstance(vertex.source, ComponentSource) else vertex.source.name)
    declared = {} if transformation is None else transformation.parameters
    changed = _changed(vertex.parameters, wanted.literals())
    return [name for name in changed if name not in declared or not declared[name].mutable]


def _values(vertex: Vertex, wanted: VertexDocument) -> Iterator[Operation]:
    """A new version, parameters, files. What changes is unset before the version does, because it may not fit the new one."""
    name, source, literals = vertex.name, vertex.source, wanted.literals()
    parameters, files = _changed(vertex.parameters, literals), _changed(vertex.files, wanted.files)
    if isinstance(source, ComponentSource) and wanted.component is not None and wanted.component != source.version_id:
        yield from (ChangeParameter(vertex=name, name=key) for key in parameters if key in vertex.parameters)
        yield from (RemoveFile(vertex=name, slot=slot) for slot in files if slot in vertex.files)
        yield ChangeVersion(vertex=name, component=wanted.component)
        parameters, files = [key for key in parameters if key in literals], [slot for slot in files if slot in wanted.files]
    for key in parameters:
        yield ChangeParameter(vertex=name, name=key, value=literals.get(key))
    for slot in files:
        file = wanted.files.get(slot)
        yield RemoveFile(vertex=name, slot=slot) if file is None else AddFile(vertex=name, slot=slot, file=file)


def _appearance(vertex: Vertex, wanted: VertexDocument) -> Iterator[Operation]:
    if wanted.label != vertex.label:
        yield RenameVertex(vertex=vertex.name, label=wanted.label)
    if wanted.note != vertex.note:
        yield SetNote(vertex=vertex.name, note=wanted.note)
    if wanted.position != vertex.position:
        yield MoveVertex(vertex=vertex.name, position=wanted.position)


def _changed(held: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """Names whose values differ, those that are held first."""
    return [name for name in {**held, **wanted} if held.get(name) != wanted.get(name)]
