"""What is read out of a backend's log."""

from collections.abc import Sequence

from pie_deploy.domain.operations import AddVertex, Connect, Disconnect, Operation, OperationRecord, RestoreVertex
from pie_deploy.domain.records import Backend
from pie_deploy.domain.undo import inverses
from pie_deploy.errors import InvalidOperationError
from pie_deploy.limits import UNDO_TAIL_OPERATIONS
from pie_deploy.ports.store import Reading


def tail_to_undo(reading: Reading, backend: Backend, count: int) -> Sequence[OperationRecord]:
    """The end of a log, long enough to take that many operations back; the whole log if the end is not."""
    tail = reading.operations(backend.id, max(0, backend.head - UNDO_TAIL_OPERATIONS - 4 * max(count, 0)))
    try:
        inverses(tail, count)
    except InvalidOperationError:
        return reading.operations(backend.id)
    return tail


def inserted(records: Sequence[OperationRecord]) -> tuple[str, ...]:
    """Vertices that a `connect` brought with it."""
    return tuple(record.operation.vertex for record in records if record.group and isinstance(record.operation, AddVertex))


def named(operation: Operation) -> set[str]:
    """The vertices that an operation names."""
    if isinstance(operation, Connect | Disconnect):
        return {operation.output.vertex, operation.input.vertex}
    if isinstance(operation, RestoreVertex):
        ends = (end.vertex for edge in operation.edges for end in edge)
        return {operation.vertex, *ends}
    vertex = getattr(operation, "vertex", None)
    return set() if vertex is None else {vertex}
