"""What may change while a deployment is live (R05, R07): values of slots that are mutable, and what has no meaning at run time."""

from collections.abc import Mapping
from typing import Protocol

from pie_deploy.domain.graph import Shape, Vertex
from pie_deploy.domain.operations import (
    AddFile,
    ChangeParameter,
    Describe,
    MoveVertex,
    Operation,
    RemoveFile,
    RenameBackend,
    RenameVertex,
    RotateEndpoint,
    SetNote,
)
from pie_deploy.domain.shape import Shapes

LASTING = (RenameVertex, MoveVertex, SetNote, RenameBackend, Describe, RotateEndpoint)
"""No container would notice."""


class WithVertices(Protocol):
    """A `Graph` or a `Head`."""

    @property
    def vertices(self) -> Mapping[str, Vertex]: ...


def allowed_while_live(graph: WithVertices, operation: Operation, shapes: Shapes) -> bool:
    """Whether the operation may land while the backend's deployment is deploying, running or tearing down.

    A mutable slot may get another value; it may lose its value only where none is needed. Says nothing about whether the
    operation fits the graph: that is checked when it lands.
    """
    if isinstance(operation, LASTING):
        return True
    if not isinstance(operation, ChangeParameter | AddFile | RemoveFile) or operation.vertex not in graph.vertices:
        return False
    vertex = graph.vertices[operation.vertex]
    shape = shapes(vertex.source, vertex.parameters)
    if isinstance(operation, ChangeParameter):
        return _may_set(shape, operation)
    slot = shape.files.get(operation.slot)
    return slot is not None and slot.mutable and not (isinstance(operation, RemoveFile) and slot.required)


def _may_set(shape: Shape, operation: ChangeParameter) -> bool:
    parameter = shape.parameters.get(operation.name)
    return parameter is not None and parameter.mutable and (operation.value is not None or parameter.default is not None)
