"""Which entries of a log `undo` takes back. It appends inverses: history grows, nothing is cut off.

Entries that take back others, and those that were taken back, are passed over, so that two times `undo 1` is `undo 2`. What one
`connect` became counts as one. Passed over, too, is what is the backend's and not the graph's and has no inverse (a renewed
forwarding token). A compacted log ends at its compaction.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pie_deploy.domain.operations import Operation, OperationRecord, RenameBackend, RotateEndpoint
from pie_deploy.errors import InvalidArgumentError, InvalidOperationError
from pie_deploy.limits import OPERATIONS_PER_REQUEST_MAX


@dataclass(frozen=True, slots=True)
class Inverse:
    operation: Operation
    undoes: int
    """seq of the entry that it takes back."""


def inverses(records: Sequence[OperationRecord], count: int) -> list[Inverse]:
    """What takes the newest `count` operations back, newest first.

    `records` is the log, or its end as far as that is needed. Raises InvalidArgumentError, InvalidOperationError.
    """
    if not 1 <= count <= OPERATIONS_PER_REQUEST_MAX:
        raise InvalidArgumentError(f"between 1 and {OPERATIONS_PER_REQUEST_MAX} operations can be taken back at once")
    taken: list[Inverse] = []
    counted, group = 0, 0
    for record in _standing(records):
        if not (record.group and record.group == group):
            if counted == count:
                break
            counted, group = counted + 1, record.group
        if record.inverse is None:
            raise InvalidOperationError(f"entry {record.seq} is from a compaction; what lies before cannot be taken back")
        taken.append(Inverse(record.inverse, record.seq))
    if counted < count or (group and group < records[0].seq):
        raise InvalidOperationError(f"there are only {counted} operations to take back")
    return taken


def _standing(records: Sequence[OperationRecord]) -> Iterator[OperationRecord]:
    """Entries that can still be taken back, newest first."""
    undone: set[int] = set()
    for record in reversed(records):
        if record.undoes is not None:
            undone.add(record.undoes)
        elif record.seq not in undone and (record.inverse is not None or not _of_backend(record.operation)):
            yield record


def _of_backend(operation: Operation) -> bool:
    return isinstance(operation, RotateEndpoint | RenameBackend)
