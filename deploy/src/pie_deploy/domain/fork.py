"""A new backend's log from another's: the same history up to a point, then its own."""

from collections.abc import Sequence

import msgspec

from pie_deploy.domain.operations import OperationRecord, RenameBackend
from pie_deploy.errors import NotFoundError


def fork(records: Sequence[OperationRecord], backend_id: str, at: int | None = None) -> list[OperationRecord]:
    """The entries up to `at` (all, if None) as those of the new backend. It may take them back: they are its history now.

    Only names do not come back with it: they were the origin's. Raises NotFoundError when the log has no such entry.
    """
    head = records[-1].seq if records else 0
    if at is not None and not 0 <= at <= head:
        raise NotFoundError(f"the log has no entry {at}; its head is {head}")
    return [_copied(record, backend_id) for record in records if at is None or record.seq <= at]


def _copied(record: OperationRecord, backend_id: str) -> OperationRecord:
    inverse = None if isinstance(record.operation, RenameBackend) else record.inverse
    return msgspec.structs.replace(record, backend_id=backend_id, inverse=inverse)
