"""The slow, obvious twin of `pie_deploy.domain.head`: copies the graph, makes the change, checks everything from the beginning."""

from collections.abc import Mapping
from dataclasses import replace

from graph_fixtures import file_type

from pie_deploy.domain.graph import ComponentSource, Edge, Graph, Slot, Source, TransformationSource, Vertex
from pie_deploy.domain.operations import (
    AddFile,
    AddVertex,
    ChangeEndpointAlias,
    ChangeParameter,
    ChangeVersion,
    Connect,
    DeleteVertex,
    Disconnect,
    Input,
    Operation,
    Output,
    RemoveFile,
    RenameVertex,
    RestoreVertex,
    SetNote,
)
from pie_deploy.domain.shape import Shapes
from pie_deploy.errors import DeployError
from pie_flow.catalogue import CATALOGUE
from pie_flow.errors import FlowError
from pie_flow.literals import parse_literal
from pie_flow.types import Type
from pie_flow.unify import NO_BINDINGS, Bindings, in_scope, resolve, unify


class RefusedError(Exception):
    """The twin does not take it."""


def twin_apply(graph: Graph, operation: Operation, shapes: Shapes) -> Graph:
    """The next graph, or RefusedError."""
    changed = _changed(graph, operation)
    try:
        _check_name(graph, operation, shapes)
        _check(changed, shapes)
    except (DeployError, FlowError) as error:
        raise RefusedError(str(error)) from error
    return changed


def twin_types(graph: Graph, shapes: Shapes) -> Mapping[str, tuple[list[Type], list[Type]]]:
    """Resolved types of all slots by vertex, unified from nothing."""
    bindings = _bindings(graph, shapes)
    types: dict[str, tuple[list[Type], list[Type]]] = {}
    for name, vertex in graph.vertices.items():
        shape = shapes(vertex.source, vertex.parameters)
        inputs, outputs = ([resolve(in_scope(kind, name), bindings) for kind in kinds] for kinds in (shape.inputs, shape.outputs))
        types[name] = (inputs, outputs)
    return types


def _changed(graph: Graph, operation: Operation) -> Graph:
    vertices, edges, aliases = dict(graph.vertices), set(graph.edges), dict(graph.aliases)
    match operation:
        case AddVertex(vertex=name):
            _refuse_if(name in vertices)
            vertices[name] = Vertex(name, _source(operation), operation.parameters, position=operation.position)
        case RestoreVertex(vertex=name):
            _refuse_if(name in vertices)
            vertices[name] = Vertex(
                name, _source(operation), operation.parameters, operation.files, operation.label, operation.position, operation.note
            )
            for output, input_ in operation.edges:
                _add_edge(edges, _edge(output, input_))
            for endpoint, role in operation.aliases.items():
                aliases[name, endpoint] = role
        case DeleteVertex(vertex=name):
            _refuse_if(name not in vertices)
            del vertices[name]
            edges = {edge for edge in edges if name not in (edge.output.vertex, edge.input.vertex)}
            aliases = {key: role for key, role in aliases.items() if key[0] != name}
        case Connect():
            _add_edge(edges, _edge(operation.output, operation.input))
        case Disconnect():
            _refuse_if(_edge(operation.output, operation.input) not in edges)
            edges.remove(_edge(operation.output, operation.input))
        case ChangeEndpointAlias(vertex=name, endpoint=endpoint, role=None):
            _refuse_if(name not in vertices)
            aliases.pop((name, endpoint), None)
        case ChangeEndpointAlias(vertex=name, endpoint=endpoint, role=str() as role):
            _refuse_if(name not in vertices)
            aliases[name, endpoint] = role
        case _:
            name = operation.vertex  # type: ignore[union-attr]
            _refuse_if(name not in vertices)
            vertices[name] = _changed_vertex(vertices[name], operation)
    return replace(graph, vertices=vertices, edges=frozenset(edges), aliases=aliases)


def _changed_vertex(vertex: Vertex, operation: Operation) -> Vertex:
    match operation:
        case ChangeVersion():
            _refuse_if(not isinstance(vertex.source, ComponentSource))
            return replace(vertex, source=ComponentSource(operation.component))
        case ChangeParameter(name=name, value=None):
            return replace(vertex, parameters={key: value for key, value in vertex.parameters.items() if key != name})
        case ChangeParameter(name=name, value=str() as value):
            return replace(vertex, parameters={**vertex.parameters, name: value})
        case AddFile():
            return replace(vertex, files={**vertex.files, operation.slot: operation.file})
        case RemoveFile():
            _refuse_if(operation.slot not in vertex.files)
            return replace(vertex, files={slot: file for slot, file in vertex.files.items() if slot != operation.slot})
        case RenameVertex():
            return replace(vertex, label=operation.label)
        case SetNote():
            return replace(vertex, note=operation.note)
        case _:
            raise AssertionError(operation)


def _check_name(graph: Graph, operation: Operation, shapes: Shapes) -> None:
    """What is unset must have been declared, too."""
    if isinstance(operation, ChangeEndpointAlias | ChangeParameter):
        vertex = graph.vertices[operation.vertex]
        shape = shapes(vertex.source, vertex.parameters)
        if isinstance(operation, ChangeEndpointAlias):
            _refuse_if(operation.endpoint not in shape.endpoints)
        elif operation.value is None and isinstance(vertex.source, ComponentSource):
            _refuse_if(operation.name not in shape.parameters)


def _check(graph: Graph, shapes: Shapes) -> None:
    for vertex in graph.vertices.values():
        shape = shapes(vertex.source, vertex.parameters)
        for name, value in vertex.parameters.items():
            _refuse_if(name not in shape.parameters)
            parse_literal(value, CATALOGUE.parse(shape.parameters[name].type))
        for slot, file in vertex.files.items():
            _refuse_if(slot not in shape.files or shape.files[slot].type not in ("any", file_type(file)))
    for name, endpoint in graph.aliases:
        _refuse_if(name not in graph.vertices)
        _refuse_if(endpoint not in shapes(graph.vertices[name].source, graph.vertices[name].parameters).endpoints)
    _refuse_if(len(set(graph.aliases.values())) < len(graph.aliases))
    _bindings(graph, shapes)


def _bindings(graph: Graph, shapes: Shapes) -> Bindings:
    bindings = NO_BINDINGS
    for edge in graph.edges:
        output, input_ = _type(graph, shapes, edge.output, "outputs"), _type(graph, shapes, edge.input, "inputs")
        bindings = unify(output, input_, bindings)
    return bindings


def _type(graph: Graph, shapes: Shapes, slot: Slot, side: str) -> Type:
    _refuse_if(slot.vertex not in graph.vertices)
    vertex = graph.vertices[slot.vertex]
    types: tuple[Type, ...] = getattr(shapes(vertex.source, vertex.parameters), side)
    _refuse_if(not 0 <= slot.position < len(types))
    return in_scope(types[slot.position], slot.vertex)


def _source(operation: AddVertex | RestoreVertex) -> Source:
    if operation.component is not None:
        return ComponentSource(operation.component)
    return TransformationSource(operation.transformation or "")


def _edge(output: Output, input_: Input) -> Edge:
    return Edge(Slot(output.vertex, output.position), Slot(input_.vertex, input_.position))


def _add_edge(edges: set[Edge], edge: Edge) -> None:
    _refuse_if(any(other.input == edge.input for other in edges))
    edges.add(edge)


def _refuse_if(wrong: bool) -> None:
    if wrong:
        raise RefusedError
