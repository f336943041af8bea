"""What an operation must satisfy at the head of the log. `before` looks at the graph and the operation, `after` at what became of
it. Both raise; neither changes anything but what inference knows.
"""

from collections.abc import Callable
from typing import Any

from pie_deploy.domain.change import edge_of, source_of, with_value
from pie_deploy.domain.graph import ComponentSource
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
    RenameBackend,
    RenameVertex,
    RestoreVertex,
    RotateEndpoint,
    SetNote,
)
from pie_deploy.domain.suggestion import hint
from pie_deploy.domain.vertex_checks import (
    State,
    check_endpoint,
    check_file,
    check_literal,
    check_name,
    check_position,
    check_slot,
    check_text,
    declared_parameter,
    shape_of_new,
    there_are,
    vertex_of,
)
from pie_deploy.errors import InvalidOperationError
from pie_deploy.limits import LABEL_CHARACTERS_MAX, ROTATIONS_MAX, TEXT_CHARACTERS_MAX, VERTICES_MAX


def before(state: State, operation: Operation) -> None:
    """Raises InvalidOperationError, NotFoundError, LiteralError."""
    _BEFORE[type(operation)](state, operation)


def after(state: State, operation: Operation) -> None:
    """Raises TypeMismatchError, InvalidOperationError, LiteralError."""
    check = _AFTER.get(type(operation))
    if check is not None:
        check(state, operation)


# --- Before ----------------------------------------------------------------------------------------------------------


def _add_vertex(state: State, operation: AddVertex | RestoreVertex) -> None:
    check_name(operation.vertex, "a vertex's name")
    if operation.vertex in state.tables.vertices:
        raise InvalidOperationError(f"there is a vertex {operation.vertex} already")
    if len(state.tables.vertices) >= VERTICES_MAX:
        raise InvalidOperationError(f"a graph has at most {VERTICES_MAX} vertices")
    if (operation.component is None) == (operation.transformation is None):
        raise InvalidOperationError(f"vertex {operation.vertex}: give a component or a transformation, one of the two")
    shape = shape_of_new(state, operation.vertex, source_of(operation), operation.parameters)
    for name, value in operation.parameters.items():
        check_literal(operation.vertex, shape, name, value)
    check_position(operation.position)


def _restore_vertex(state: State, operation: RestoreVertex) -> None:
    """Edges and aliases are not looked at here: `pie_deploy.domain.head` takes them one by one."""
    _add_vertex(state, operation)
    check_text(operation.label, "a label", LABEL_CHARACTERS_MAX)
    check_text(operation.note, "a note", TEXT_CHARACTERS_MAX)
    shape = state.shapes(source_of(operation), operation.parameters)
    for slot, file in operation.files.items():
        check_file(state, operation.vertex, shape, slot, file)


def _connect(state: State, operation: Connect) -> None:
    edge = edge_of(operation.output, operation.input)
    shape = state.shape(vertex_of(state, edge.output.vertex).name)
    check_slot(edge.output, len(shape.outputs), "output")
    shape = state.shape(vertex_of(state, edge.input.vertex).name)
    check_slot(edge.input, len(shape.inputs), "input")
    taken = state.tables.feeds.get(edge.input)
    if taken == edge.output:
        raise InvalidOperationError(f"edge {edge} is there already")
    if taken is not None:
        held = f"{taken.vertex}.out{taken.position}"
        raise InvalidOperationError(f"edge {edge}: the input takes {held} already; the transformation merge joins two")


def _disconnect(state: State, operation: Disconnect) -> None:
    edge = edge_of(operation.output, operation.input)
    if state.tables.feeds.get(edge.input) != edge.output:
        edges = sorted({*state.tables.incident(edge.output.vertex), *state.tables.incident(edge.input.vertex)})
        raise InvalidOperationError(f"there is no edge {edge}", hint=hint(str(edge), map(str, edges)))


def _change_version(state: State, operation: ChangeVersion) -> None:
    vertex = vertex_of(state, operation.vertex)
    if not isinstance(vertex.source, ComponentSource):
        raise InvalidOperationError(f"vertex {vertex.name} is a transformation; it has no versions")
    shape = shape_of_new(state, vertex.name, ComponentSource(operation.component), vertex.parameters)
    for name, value in vertex.parameters.items():
        check_literal(vertex.name, shape, name, value)
    for slot, file in vertex.files.items():
        check_file(state, vertex.name, shape, slot, file)
    for endpoint, role in state.tables.aliases_of(vertex.name).items():
        if endpoint not in shape.endpoints:
            raise InvalidOperationError(
                f"{operation.component} has no endpoint {endpoint}, which is published as {role}",
                hint=hint(endpoint, shape.endpoints),
            )


def _change_endpoint_alias(state: State, operation: ChangeEndpointAlias) -> None:
    check_endpoint(state, operation.vertex, operation.endpoint)
    role, key = operation.role, (operation.vertex, operation.endpoint)
    if role is None:
        return
    check_name(role, "a role")
    holder = state.tables.roles.get(role, key)
    if holder != key:
        raise InvalidOperationError(f"the role {role} belongs to {holder[0]}.{holder[1]}")


def _change_parameter(state: State, operation: ChangeParameter) -> None:
    vertex = vertex_of(state, operation.vertex)
    shape = state.shape(vertex.name)
    if isinstance(vertex.source, ComponentSource):
        if operation.value is None:
            declared_parameter(vertex.name, shape, operation.name)
        else:
            check_literal(vertex.name, shape, operation.name, operation.value)
        return
    values = with_value(vertex.parameters, operation.name, operation.value)
    shape = shape_of_new(state, vertex.name, vertex.source, values)
    for name, value in values.items():
        check_literal(vertex.name, shape, name, value)


def _add_file(state: State, operation: AddFile) -> None:
    vertex = vertex_of(state, operation.vertex)
    check_file(state, vertex.name, state.shape(vertex.name), operation.slot, operation.file)


def _remove_file(state: State, operation: RemoveFile) -> None:
    files = vertex_of(state, operation.vertex).files
    if operation.slot not in files:
        raise InvalidOperationError(
            f"vertex {operation.vertex} has no file at slot {operation.slot[:80]!r}", hint=hint(operation.slot, files)
        )


def _rename_vertex(state: State, operation: RenameVertex) -> None:
    vertex_of(state, operation.vertex)
    check_text(operation.label, "a label", LABEL_CHARACTERS_MAX)


def _move_vertex(state: State, operation: MoveVertex) -> None:
    vertex_of(state, operation.vertex)
    check_position(operation.position)


def _set_note(state: State, operation: SetNote) -> None:
    vertex_of(state, operation.vertex)
    check_text(operation.note, "a note", TEXT_CHARACTERS_MAX)


def _delete_vertex(state: State, operation: DeleteVertex) -> None:
    vertex_of(state, operation.vertex)


def _rename_backend(_: State, operation: RenameBackend) -> None:
    if operation.name:
        check_name(operation.name, "a backend's name")


def _describe(_: State, operation: Describe) -> None:
    check_text(operation.description, "a description", TEXT_CHARACTERS_MAX)


def _rotate_endpoint(state: State, operation: RotateEndpoint) -> None:
    check_endpoint(state, operation.vertex, operation.endpoint)
    count = state.tables.rotations.get((operation.vertex, operation.endpoint), 0) + operation.count
    if operation.count < 1 or count > ROTATIONS_MAX:
        raise InvalidOperationError(f"an endpoint's token is renewed at least once and at most {ROTATIONS_MAX} times")


_BEFORE: dict[type, Callable[[State, Any], None]] = {
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


# --- After -----------------------------------------------------------------------------------------------------------


def _edge_holds(state: State, operation: Connect) -> None:
    state.inference.connect(edge_of(operation.output, operation.input))


def _vertex_fits(state: State, operation: ChangeVersion | ChangeParameter) -> None:
    """A vertex whose shape may have changed still has every slot that its edges use, and their types still unify."""
    shape = state.shape(operation.vertex)
    for edge in state.tables.incident(operation.vertex):
        for slot, count, kind in ((edge.output, len(shape.outputs), "output"), (edge.input, len(shape.inputs), "input")):
            if slot.vertex == operation.vertex and slot.position >= count:
                raise InvalidOperationError(f"edge {edge} would lose its {kind}: there {there_are(count, kind)}")
    state.inference.verify(operation.vertex)


def _parameter_fits(state: State, operation: ChangeParameter) -> None:
    if not isinstance(state.tables.vertices[operation.vertex].source, ComponentSource):
        _vertex_fits(state, operation)


_AFTER: dict[type, Callable[[State, Any], None]] = {
    Connect: _edge_holds,
    ChangeVersion: _vertex_fits,
    ChangeParameter: _parameter_fits,
}
