"""Entries of a backend's log: operations that landed, with who and when. All or none of a request; the graph's head follows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pie_deploy.domain.bridge import bridged
from pie_deploy.domain.head import Head, numbered
from pie_deploy.domain.operations import Connect, Operation, OperationRecord
from pie_deploy.domain.undo import inverses
from pie_deploy.errors import ConflictError, InvalidArgumentError
from pie_deploy.limits import OPERATIONS_PER_REQUEST_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """Who asked, when, through what."""

    actor: str
    at_ns: int
    surface: str = ""
    request_id: str = ""


def check_head(head_seq: int, if_match: int | None) -> None:
    """Operations without a precondition merge: each is checked at the head. With one, nothing may have come in between.

    Raises ConflictError.
    """
    if if_match is not None and if_match != head_seq:
        raise ConflictError(f"the log's head is {head_seq}, not {if_match}: somebody has changed the graph since")


def append(
    head: Head,
    backend_id: str,
    operations: Sequence[Operation],
    stamp: Stamp,
    *,
    bridge: bool = False,
    of_document: bool = False,
) -> list[OperationRecord]:
    """Land operations at the head, all or none, and say what the log gets: an entry each, more where `bridge` had to insert.

    of_document: the caller did not write operations, so that errors do not say which one it was. The head has them then. Should
    they not reach the store, `head.take_back()`. Raises what `Head.apply` does.
    """
    if not operations or len(operations) > OPERATIONS_PER_REQUEST_MAX:
        raise InvalidArgumentError(f"a request has 1 to {OPERATIONS_PER_REQUEST_MAX} operations")
    first = head.seq + 1
    records: list[OperationRecord] = []
    with head.batch():
        for number, operation in enumerate(operations):
            with numbered(number, 1 if of_document else len(operations)):
                steps = bridged(head, operation) if bridge and isinstance(operation, Connect) else (operation,)
                group = head.seq + 1 if len(steps) > 1 else 0
                records.extend(_landed(head, backend_id, steps, stamp, first, group))
    return records


def undo(head: Head, backend_id: str, records: Sequence[OperationRecord], count: int, stamp: Stamp) -> list[OperationRecord]:
    """Take the last `count` operations back that are not taken back yet, and say what the log gets: their inverses, all or none.

    `records` are the newest entries, enough of them. Raises InvalidOperationError when there are not so many.
    """
    first = head.seq + 1
    undone: list[OperationRecord] = []
    with head.batch():
        for inverse in inverses(records, count):
            undone.extend(_landed(head, backend_id, (inverse.operation,), stamp, first, 0, inverse.undoes))
    return undone


def _landed(
    head: Head, backend_id: str, steps: Iterable[Operation], stamp: Stamp, batch: int, group: int, undoes: int | None = None
) -> Iterable[OperationRecord]:
    for step in steps:
        landed = head.land(step)
        yield OperationRecord(
            backend_id=backend_id,
            seq=head.seq,
            operation=step,
            inverse=landed.inverse,
            actor=stamp.actor,
            surface=stamp.surface,
            at_ns=stamp.at_ns,
            request_id=stamp.request_id,
            graph_hash=landed.graph_hash,
            undoes=undoes,
            batch=batch,
            group=group,
        )
