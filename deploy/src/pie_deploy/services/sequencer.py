"""Changes of one backend's log, one after the other: read the head, land the operations on it, write them down; or none of it.

Operations without a precondition merge: each is checked at the head as it is when its turn comes. Landing happens before the
store's one writer is asked for, so a large batch keeps nobody waiting but who edits the same graph.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress

from msgspec.structs import replace

from pie_deploy.domain.deployment import is_locking
from pie_deploy.domain.head import Head
from pie_deploy.domain.lock import allowed_while_live
from pie_deploy.domain.log import Stamp, check_head
from pie_deploy.domain.operations import Operation, OperationRecord
from pie_deploy.domain.records import Backend
from pie_deploy.errors import ConflictError, DeployError, Detail, GraphLockedError, InvalidOperationError
from pie_deploy.limits import LOCK_REASONS_MAX
from pie_deploy.ports.store import Reading
from pie_deploy.services.actor import Actor
from pie_deploy.services.heads import Heads
from pie_deploy.services.ledger import Ledger
from pie_deploy.services.lookup import backend_of
from pie_deploy.services.resolution import check_references

Choose = Callable[[Reading, Backend], Sequence[Operation]]
"""The operations of a request, by the backend as it is: what is checked against the lock."""
Land = Callable[[Head, str, Sequence[Operation], Stamp], list[OperationRecord]]
"""Lands them on the head, all or none."""

_ATTEMPTS = 5
"""Of a change that another control plane on the same database was faster with."""


class Sequencer:
    def __init__(self, ledger: Ledger, heads: Heads) -> None:
        self._ledger = ledger
        self._heads = heads

    def change(
        self, actor: Actor, ref: str, choose: Choose, land: Land, *, if_match: int | None = None, dry_run: bool = False
    ) -> list[OperationRecord]:
        """Choose, check, land and record; nothing to do is nothing. With `dry_run`, what was landed is taken back.

        Raises ConflictError, GraphLockedError, and what choosing and landing raise.
        """
        with self._ledger.reading() as reading:
            backend_id = backend_of(reading, ref).id
        with self._heads.locked(backend_id):
            for _ in range(_ATTEMPTS - 1):
                with suppress(_Overtaken):
                    return self._attempt(actor, backend_id, choose, land, if_match, dry_run)
            return self._attempt(actor, backend_id, choose, land, if_match, dry_run)

    def _attempt(
        self, actor: Actor, backend_id: str, choose: Choose, land: Land, if_match: int | None, dry_run: bool
    ) -> list[OperationRecord]:
        with self._ledger.reading() as reading:
            backend = backend_of(reading, backend_id)
            check_head(backend.head, if_match)
            head = self._heads.at(reading, backend)
            operations = choose(reading, backend)
            locked = is_locking(reading.deployment_of(backend_id))
        if not operations:
            return []
        if locked:
            _check_allowed(head, operations)
        records = self._land(head, backend, operations, land, actor)
        if dry_run:
            head.take_back()
            return records
        try:
            self._record(actor, backend, head, records, locked)
        except BaseException:
            head.take_back()
            raise
        return records

    def _land(
        self, head: Head, backend: Backend, operations: Sequence[Operation], land: Land, actor: Actor
    ) -> list[OperationRecord]:
        stamp = Stamp(actor=actor.name, at_ns=self._ledger.now_ns(), surface=actor.surface, request_id=actor.request_id)
        try:
            return land(head, backend.id, operations, stamp)
        except DeployError:
            raise
        except BaseException:
            self._heads.forget(backend.id)  # a bug, or the end of the process: nobody took anything back
            raise

    def _record(self, actor: Actor, backend: Backend, head: Head, records: list[OperationRecord], locked: bool) -> None:
        if not head.tables.name:
            raise InvalidOperationError("a backend has a name")
        with self._ledger.change(actor) as change:
            current = backend_of(change.rows, backend.id)
            moved = (current.head, current.graph_hash) != (backend.head, backend.graph_hash)
            if moved or (is_locking(change.rows.deployment_of(backend.id)) and not locked):
                raise _Overtaken(f"backend {backend.name} is being changed by another control plane")
            check_references(change.rows, current, (record.operation for record in records))
            change.rows.append(records)
            name = head.tables.name
            change.rows.put_backend(replace(current, head=head.seq, graph_hash=records[-1].graph_hash, name=name))
            data = {"first": records[0].seq, "last": records[-1].seq}
            change.tell("backend.changed", backend_id=backend.id, lease_id=backend.lease_id, data=data)


class _Overtaken(ConflictError):
    """The head has moved, or a deployment has come, since the operations were checked."""


def _check_allowed(head: Head, operations: Sequence[Operation]) -> None:
    """Raises GraphLockedError with every operation that a live deployment does not allow."""
    refused = [operation for operation in operations if not allowed_while_live(head, operation, head.shapes)]
    if refused:
        details = [
            Detail(
                code=GraphLockedError.code,
                message=f"{_word(operation)} changes what runs",
                subject=getattr(operation, "vertex", ""),
            )
            for operation in refused[:LOCK_REASONS_MAX]
        ]
        message = f"a deployment is live: {_word(refused[0])} is not possible; fork the backend, or undeploy first"
        raise GraphLockedError(message, details)


def _word(operation: Operation) -> str:
    return str(operation.__struct_config__.tag)
