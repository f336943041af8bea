"""What an operation must satisfy at the head of the log. `before` looks at the graph and the operation, `after` at what became of
it. Both raise; neither changes anything but what inference knows.
"""

import math
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Protocol

from pie_deploy.domain.change import edge_of, source_of, with_value
from pie_deploy.domain.graph import ComponentSource, Shape, Slot, Source, Vertex
from pie_deploy.domain.inference import Inference
from pie_deploy.domain.manifest import NAME_PATTERN, Parameter
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
from pie_deploy.domain.shape import Shapes
from pie_deploy.domain.tables import Tables
from pie_deploy.errors import DeployError, InvalidOperationError, LiteralError, NotFoundError
from pie_deploy.limits import LABEL_CHARACTERS_MAX, ROTATIONS_MAX, TEXT_CHARACTERS_MAX, VERTICES_MAX
from pie_flow.catalogue import CATALOGUE
from pie_flow.errors import FlowError
from pie_flow.literals import parse_literal
from pie_flow.types import Type

FileTypes = Callable[[str], str | None]
"""The `file_type` of a file, by id; None: there is no such file."""

_NAME = re.compile(NAME_PATTERN.removesuffix("$") + r"\Z")


class State(Protocol):
    """What the rules look at."""

    @property
    def tables(self) -> Tables: ...

    @property
    def inference(self) -> Inference: ...

    @property
    def shapes(self) -> Shapes: ...

    @property
    def files(self) -> FileTypes | None:
        """None: files are not looked up."""
        ...

    def shape(self, vertex: str) -> Shape:
        """Of a vertex that is there."""
        ...


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
    if not _NAME.match(operation.vertex):
        raise InvalidOperationError(f"{operation.vertex[:80]!r} cannot be a vertex's name; it matches {NAME_PATTERN}")
    if operation.vertex in state.tables.vertices:
        raise InvalidOperationError(f"there is a vertex {operation.vertex} already")
    if len(state.tables.vertices) >= VERTICES_MAX:
        raise InvalidOperationError(f"a graph has at most {VERTICES_MAX} vertices")
    if (operation.component is None) == (operation.transformation is None):
        raise InvalidOperationError(f"vertex {operation.vertex}: give a component or a transformation, one of the two")
    shape = _shape(state, operation.vertex, source_of(operation), operation.parameters)
    for name, value in operation.parameters.items():
        _check_literal(operation.vertex, shape, name, value)
    _check_position(operation.position)


def _restore_vertex(state: State, operation: RestoreVertex) -> None:
    """Edges and aliases are not looked at here: `pie_deploy.domain.head` takes them one by one."""
    _add_vertex(state, operation)
    _check_text(operation.label, "a label", LABEL_CHARACTERS_MAX)
    _check_text(operation.note, "a note", TEXT_CHARACTERS_MAX)
    shape = state.shapes(source_of(operation), operation.parameters)
    for slot, file in operation.files.items():
        _check_file(state, operation.vertex, shape, slot, file)


def _connect(state: State, operation: Connect) -> None:
    edge = edge_of(operation.output, operation.input)
    shape = state.shape(_vertex(state, edge.output.vertex).name)
    _check_slot(edge.output, len(shape.outputs), "output")
    shape = state.shape(_vertex(state, edge.input.vertex).name)
    _check_slot(edge.input, len(shape.inputs), "input")
    taken = state.tables.feeds.get(edge.input)
    if taken == edge.output:
        raise InvalidOperationError(f"edge {edge} is there already")
    if taken is not None:
        held = f"{taken.vertex}.out{taken.position}"
        raise InvalidOperationError(f"edge {edge}: the input takes {held} already; the transformation merge joins two")


def _disconnect(state: State, operation: Disconnect) -> None:
    edge = edge_of(operation.output, operation.input)
    if state.tables.feeds.get(edge.input) != edge.output:
        raise InvalidOperationError(f"there is no edge {edge}")


def _change_version(state: State, operation: ChangeVersion) -> None:
    vertex = _vertex(state, operation.vertex)
    if not isinstance(vertex.source, ComponentSource):
        raise InvalidOperationError(f"vertex {vertex.name} is a transformation; it has no versions")
    shape = _shape(state, vertex.name, ComponentSource(operation.component), vertex.parameters)
    for name, value in vertex.parameters.items():
        _check_literal(vertex.name, shape, name, value)
    for slot, file in vertex.files.items():
        _check_file(state, vertex.name, shape, slot, file)
    for endpoint, role in state.tables.aliases_of(vertex.name).items():
        if endpoint not in shape.endpoints:
            raise InvalidOperationError(f"{operation.component} has no endpoint {endpoint}, which is published as {role}")


def _change_endpoint_alias(state: State, operation: ChangeEndpointAlias) -> None:
    _check_endpoint(state, operation.vertex, operation.endpoint)
    role, key = operation.role, (operation.vertex, operation.endpoint)
    if role is None:
        return
    if not _NAME.match(role):
        raise InvalidOperationError(f"{role[:80]!r} cannot be a role; it matches {NAME_PATTERN}")
    holder = state.tables.roles.get(role, key)
    if holder != key:
        raise InvalidOperationError(f"the role {role} belongs to {holder[0]}.{holder[1]}")


def _change_parameter(state: State, operation: ChangeParameter) -> None:
    vertex = _vertex(state, operation.vertex)
    shape = state.shape(vertex.name)
    if isinstance(vertex.source, ComponentSource):
        if operation.value is None:
            _declared(vertex.name, shape, operation.name)
        else:
            _check_literal(vertex.name, shape, operation.name, operation.value)
        return
    values = with_value(vertex.parameters, operation.name, operation.value)
    shape = _shape(state, vertex.name, vertex.source, values)
    for name, value in values.items():
        _check_literal(vertex.name, shape, name, value)


def _add_file(state: State, operation: AddFile) -> None:
    vertex = _vertex(state, operation.vertex)
    _check_file(state, vertex.name, state.shape(vertex.name), operation.slot, operation.file)


def _remove_file(state: State, operation: RemoveFile) -> None:
    if operation.slot not in _vertex(state, operation.vertex).files:
        raise InvalidOperationError(f"vertex {operation.vertex} has no file at slot {operation.slot[:80]}")


def _rename_vertex(state: State, operation: RenameVertex) -> None:
    _vertex(state, operation.vertex)
    _check_text(operation.label, "a label", LABEL_CHARACTERS_MAX)


def _move_vertex(state: State, operation: MoveVertex) -> None:
    _vertex(state, operation.vertex)
    _check_position(operation.position)


def _set_note(state: State, operation: SetNote) -> None:
    _vertex(state, operation.vertex)
    _check_text(operation.note, "a note", TEXT_CHARACTERS_MAX)


def _delete_vertex(state: State, operation: DeleteVertex) -> None:
    _vertex(state, operation.vertex)


def _rename_backend(_: State, operation: RenameBackend) -> None:
    if operation.name and not _NAME.match(operation.name):
        raise InvalidOperationError(f"{operation.name[:80]!r} cannot be a backend's name; it matches {NAME_PATTERN}")


def _describe(_: State, operation: Describe) -> None:
    _check_text(operation.description, "a description", TEXT_CHARACTERS_MAX)


def _rotate_endpoint(state: State, operation: RotateEndpoint) -> None:
    _check_endpoint(state, operation.vertex, operation.endpoint)
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
                raise InvalidOperationError(f"edge {edge} would lose its {kind}: there {_are(count, kind)}")
    state.inference.verify(operation.vertex)


def _parameter_fits(state: State, operation: ChangeParameter) -> None:
    if not isinstance(state.tables.vertices[operation.vertex].source, ComponentSource):
        _vertex_fits(state, operation)


_AFTER: dict[type, Callable[[State, Any], None]] = {
    Connect: _edge_holds,
    ChangeVersion: _vertex_fits,
    ChangeParameter: _parameter_fits,
}


# --- What they share -------------------------------------------------------------------------------------------------


def _vertex(state: State, name: str) -> Vertex:
    vertex = state.tables.vertices.get(name)
    if vertex is None:
        raise InvalidOperationError(f"there is no vertex {name[:80]!r}")
    return vertex


def _shape(state: State, vertex: str, source: Source, parameters: Mapping[str, str]) -> Shape:
    try:
        return state.shapes(source, parameters)
    except (NotFoundError, LiteralError) as error:
        raise _about(vertex, error) from error


def _about(vertex: str, error: DeployError) -> DeployError:
    return type(error)(f"vertex {vertex}: {error}", error.details)


def _check_slot(slot: Slot, count: int, kind: str) -> None:
    if not 0 <= slot.position < count:
        raise InvalidOperationError(f"vertex {slot.vertex} has no {kind} {slot.position}: there {_are(count, kind)}")


def _are(count: int, kind: str) -> str:
    return f"is 1 {kind}" if count == 1 else f"are {count} {kind}s"


def _check_endpoint(state: State, vertex: str, endpoint: str) -> None:
    if endpoint not in state.shape(_vertex(state, vertex).name).endpoints:
        raise InvalidOperationError(f"vertex {vertex} has no endpoint {endpoint[:80]!r}")


def _check_file(state: State, vertex: str, shape: Shape, slot: str, file: str) -> None:
    declared = shape.files.get(slot)
    if declared is None:
        raise InvalidOperationError(f"vertex {vertex} has no file slot {slot[:80]!r}")
    if state.files is None:
        return
    file_type = state.files(file)
    if file_type is None:
        raise NotFoundError(f"vertex {vertex}, slot {slot}: there is no file {file[:80]!r}")
    if declared.type not in ("any", file_type):
        raise InvalidOperationError(f"vertex {vertex}, slot {slot}: {file} is of type {file_type}, wanted is {declared.type}")


def _declared(vertex: str, shape: Shape, name: str) -> Parameter:
    parameter = shape.parameters.get(name)
    if parameter is None:
        raise InvalidOperationError(f"vertex {vertex} has no parameter {name[:80]!r}")
    return parameter


def _check_literal(vertex: str, shape: Shape, name: str, literal: str) -> None:
    parameter = _declared(vertex, shape, name)
    try:
        parse_literal(literal, _type(parameter.type))
    except FlowError as error:
        raise LiteralError(f"vertex {vertex}, parameter {name}: {error}; its type is {parameter.type}") from error


@lru_cache(maxsize=1024)
def _type(text: str) -> Type:
    return CATALOGUE.parse(text)


def _check_text(text: str, what: str, characters_max: int) -> None:
    if len(text) > characters_max:
        raise InvalidOperationError(f"{what} has at most {characters_max} characters")
    if any((character < " " and character not in "\n\t") or "\ud800" <= character <= "\udfff" for character in text):
        raise InvalidOperationError(f"{what} has no control characters")


def _check_position(position: tuple[float, float] | None) -> None:
    if position is not None and not all(map(math.isfinite, position)):
        raise InvalidOperationError("a position is two finite numbers")
