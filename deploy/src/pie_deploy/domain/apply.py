"""Operations on graphs as values. Each call costs the time of the whole graph; who applies many keeps a `Head`."""

from collections.abc import Iterable
from dataclasses import dataclass

from pie_deploy.domain.graph import Graph
from pie_deploy.domain.head import Head
from pie_deploy.domain.operations import Operation, OperationRecord
from pie_deploy.domain.shape import Shapes
from pie_deploy.domain.vertex_checks import FileTypes


@dataclass(frozen=True, slots=True)
class Applied:
    graph: Graph
    inverse: Operation | None
    """None: cannot be taken back."""


def apply(graph: Graph, operation: Operation, shapes: Shapes, *, files: FileTypes | None = None) -> Applied:
    """The graph after the operation, and what takes it back.

    Raises InvalidOperationError, NotFoundError, LiteralError, TypeMismatchError.
    """
    head = Head(shapes, graph, files=files)
    [landed] = head.apply([operation])
    return Applied(head.graph(), landed.inverse)


def replay(records: Iterable[OperationRecord], shapes: Shapes, *, name: str = "") -> Graph:
    """The graph that a whole log, or its beginning, gives. Raises StorageError when it gives none, or another than it tells."""
    return Head.replay(records, shapes, name=name).graph()
