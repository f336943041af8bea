"""What an operation changes in the tables. Checks nothing: for operations that were accepted."""

from collections.abc import Callable, Mapping
from typing import Any

from pie_deploy.domain.graph import ComponentSource, Edge, Slot, Source, TransformationSource, Vertex
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


def change(tables: Tables, operation: Operation) -> None:
    """Make the operation's change. KeyError when the operation does not belong to this graph."""
    _CHANGES[type(operation)](tables, operation)


def edge_of(output: Output, input_: Input) -> Edge:
    return Edge(Slot(output.vertex, output.position), Slot(input_.vertex, input_.position))


def source_of(operation: AddVertex | RestoreVertex) -> Source:
    if operation.component is not None:
        return ComponentSource(operation.component)
    assert operation.transformation is not None, "one of the two stands"
    return TransformationSource(operation.transformation)


def with_value(values: Mapping[str, str], name: str, value: str | None) -> dict[str, str]:
    """The values with one set, or unset."""
    changed = {other: held for other, held in values.items() if other != name}
    return changed if value is None else {**changed, name: value}


# --- Changes ---------------------------------------------------------------------------------------------------------


def _add_vertex(tables: Tables, operation: AddVertex) -> None:
    vertex = Vertex(operation.vertex, source_of(operation), operation.parameters, position=operation.position)
    tables.set_vertex(operation.vertex, vertex)


def _delete_vertex(tables: Tables, operation: DeleteVertex) -> None:
    for edge in list(tables.incident(operation.vertex)):
        tables.set_edge(edge, False)
    for endpoint in tables.aliases_of(operation.vertex):
        tables.set_alias((operation.vertex, endpoint), None)
    if operation.vertex not in tables.vertices:
        raise KeyError(operation.vertex)
    tables.set_vertex(operation.vertex, None)


def _restore_vertex(tables: Tables, operation: RestoreVertex) -> None:
    tables.set_vertex(
        operation.vertex,
        Vertex(
            operation.vertex,
            source_of(operation),
            operation.parameters,
            operation.files,
            operation.label,
            operation.position,
            operation.note,
        ),
    )
    for output, input_ in operation.edges:
        tables.set_edge(edge_of(output, input_), True)
    for endpoint, role in operation.aliases.items():
        tables.set_alias((operation.vertex, endpoint), role)


def _connect(tables: Tables, operation: Connect) -> None:
    tables.set_edge(edge_of(operation.output, operation.input), True)


def _disconnect(tables: Tables, operation: Disconnect) -> None:
    tables.set_edge(edge_of(operation.output, operation.input), False)


# Vertices are made anew by position: `dataclasses.replace` would take half of the time of a replay.


def _change_version(tables: Tables, operation: ChangeVersion) -> None:
    was = tables.vertices[operation.vertex]
    source = ComponentSource(operation.component)
    tables.set_vertex(was.name, Vertex(was.name, source, was.parameters, was.files, was.label, was.position, was.note))


def _change_endpoint_alias(tables: Tables, operation: ChangeEndpointAlias) -> None:
    tables.set_alias((operation.vertex, operation.endpoint), operation.role)


def _change_parameter(tables: Tables, operation: ChangeParameter) -> None:
    was = tables.vertices[operation.vertex]
    values = with_value(was.parameters, operation.name, operation.value)
    tables.set_vertex(was.name, Vertex(was.name, was.source, values, was.files, was.label, was.position, was.note))


def _add_file(tables: Tables, operation: AddFile) -> None:
    _set_file(tables, operation.vertex, operation.slot, operation.file)


def _remove_file(tables: Tables, operation: RemoveFile) -> None:
    _set_file(tables, operation.vertex, operation.slot, None)


def _set_file(tables: Tables, vertex: str, slot: str, file: str | None) -> None:
    was = tables.vertices[vertex]
    files = with_value(was.files, slot, file)
    tables.set_vertex(was.name, Vertex(was.name, was.source, was.parameters, files, was.label, was.position, was.note))


def _rename_vertex(tables: Tables, operation: RenameVertex) -> None:
    was = tables.vertices[operation.vertex]
    tables.set_vertex(was.name, Vertex(was.name, was.source, was.parameters, was.files, operation.label, was.position, was.note))


def _move_vertex(tables: Tables, operation: MoveVertex) -> None:
    was = tables.vertices[operation.vertex]
    tables.set_vertex(was.name, Vertex(was.name, was.source, was.parameters, was.files, was.label, operation.position, was.note))


def _set_note(tables: Tables, operation: SetNote) -> None:
    was = tables.vertices[operation.vertex]
    tables.set_vertex(was.name, Vertex(was.name, was.source, was.parameters, was.files, was.label, was.position, operation.note))


def _rename_backend(tables: Tables, operation: RenameBackend) -> None:
    tables.set_name(operation.name)


def _describe(tables: Tables, operation: Describe) -> None:
    tables.set_description(operation.description)


def _rotate_endpoint(tables: Tables, operation: RotateEndpoint) -> None:
    key = (operation.vertex, operation.endpoint)
    tables.set_rotation(key, tables.rotations.get(key, 0) + operation.count)


_CHANGES: dict[type, Callable[[Tables, Any], None]] = {
    AddVertex: _add_vertex,
    DeleteVertex: _delete_vertex,
    RestoreVertex: _restore_vertex,
    Connect: _connect,
    Disconnect: _disconnect,
    ChangeVersion: _change_version,
    ChangeEndpointAlias: _change_endpoint_alias,
    ChangeParameter: _change_parameter,
    AddFile: _add_file,
    RemoveFile: _remove_file,
    RenameVertex: _rename_vertex,
    MoveVertex: _move_vertex,
    SetNote: _set_note,
    RenameBackend: _rename_backend,
    Describe: _describe,
    RotateEndpoint: _rotate_endpoint,
}
