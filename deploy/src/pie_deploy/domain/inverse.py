"""What takes an operation back."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pie_deploy.domain.graph import ComponentSource, Edge, TransformationSource, Vertex
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
    Input,
    MoveVertex,
    Operation,
    Output,
    RemoveFile,
    RenameBackend,
    RenameVertex,
    RestoreVertex,
    RotateEndpoint,
    SetNote,
)
from pie_deploy.domain.tables import Tables


def inverse_of(tables: Tables, operation: Operation) -> Operation | None:
    """What gives the graph as it is now back, once the operation is done. None: nothing may."""
    return _INVERSES[type(operation)](tables, operation)


def ends_of(edge: Edge) -> tuple[Output, Input]:
    return Output(edge.output.vertex, edge.output.position), Input(edge.input.vertex, edge.input.position)


def _delete_it(_: Tables, operation: AddVertex | RestoreVertex) -> Operation:
    return DeleteVertex(vertex=operation.vertex)


def restoring(vertex: Vertex, edges: Iterable[Edge], aliases: Mapping[str, str]) -> RestoreVertex:
    """The operation that makes the vertex with everything it has."""
    source = vertex.source
    return RestoreVertex(
        vertex=vertex.name,
        component=source.version_id if isinstance(source, ComponentSource) else None,
        transformation=source.name if isinstance(source, TransformationSource) else None,
        parameters=dict(vertex.parameters),
        files=dict(vertex.files),
        label=vertex.label,
        position=vertex.position,
        note=vertex.note,
        edges=tuple(map(ends_of, edges)),
        aliases=dict(aliases),
    )


def _restore_it(tables: Tables, operation: DeleteVertex) -> Operation:
    vertex = tables.vertices[operation.vertex]
    return restoring(vertex, sorted(tables.incident(vertex.name)), dict(tables.aliases_of(vertex.name)))


def _disconnect_it(_: Tables, operation: Connect) -> Operation:
    return Disconnect(output=operation.output, input=operation.input)


def _connect_it(_: Tables, operation: Disconnect) -> Operation:
    return Connect(output=operation.output, input=operation.input)


def _former_version(tables: Tables, operation: ChangeVersion) -> Operation:
    source = tables.vertices[operation.vertex].source
    assert isinstance(source, ComponentSource), "only components have versions"
    return ChangeVersion(vertex=operation.vertex, component=source.version_id)


def _former_alias(tables: Tables, operation: ChangeEndpointAlias) -> Operation:
    role = tables.aliases.get((operation.vertex, operation.endpoint))
    return ChangeEndpointAlias(vertex=operation.vertex, endpoint=operation.endpoint, role=role)


def _former_parameter(tables: Tables, operation: ChangeParameter) -> Operation:
    value = tables.vertices[operation.vertex].parameters.get(operation.name)
    return ChangeParameter(vertex=operation.vertex, name=operation.name, value=value)


def _former_file(tables: Tables, operation: AddFile | RemoveFile) -> Operation:
    file = tables.vertices[operation.vertex].files.get(operation.slot)
    if file is None:
        return RemoveFile(vertex=operation.vertex, slot=operation.slot)
    return AddFile(vertex=operation.vertex, slot=operation.slot, file=file)


def _former_label(tables: Tables, operation: RenameVertex) -> Operation:
    return RenameVertex(vertex=operation.vertex, label=tables.vertices[operation.vertex].label)


def _former_position(tables: Tables, operation: MoveVertex) -> Operation:
    return MoveVertex(vertex=operation.vertex, position=tables.vertices[operation.vertex].position)


def _former_note(tables: Tables, operation: SetNote) -> Operation:
    return SetNote(vertex=operation.vertex, note=tables.vertices[operation.vertex].note)


def _former_name(tables: Tables, _: RenameBackend) -> Operation:
    return RenameBackend(name=tables.name)


def _former_description(tables: Tables, _: Describe) -> Operation:
    return Describe(description=tables.description)


def _nothing(_: Tables, __: RotateEndpoint) -> None:
    return None


_INVERSES: dict[type, Callable[[Tables, Any], Operation | None]] = {
    AddVertex: _delete_it,
    DeleteVertex: _restore_it,
    RestoreVertex: _delete_it,
    Connect: _disconnect_it,
    Disconnect: _connect_it,
    ChangeVersion: _former_version,
    ChangeEndpointAlias: _former_alias,
    ChangeParameter: _former_parameter,
    AddFile: _former_file,
    RemoveFile: _former_file,
    RenameVertex: _former_label,
    MoveVertex: _former_position,
    SetNote: _former_note,
    RenameBackend: _former_name,
    Describe: _former_description,
    RotateEndpoint: _nothing,
}
