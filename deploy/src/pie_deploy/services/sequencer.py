"""Changes of one backend's log, one after the other: read the head, land the operations on it, write them down; or none of it.

Operations without a precondition merge: each is checked at the head as it is when its turn comes. A few are landed as the
store's one writer. Many are landed before the writer's place is taken, so that a large batch keeps nobody waiting but who edits
the same graph, and recorded if the head has not moved.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

from msgspec.structs import replace

from pie_deploy.domain import rules
from pie_deploy.domain.deployment import is_locking
from pie_deploy.domain.head import Head
from pie_deploy.domain.lock import allowed_while_live
from pie_deploy.domain.log import Stamp, check_head
from pie_deploy.domain.operations import AddFile, ChangeParameter, Operation, OperationRecord, RemoveFile
from pie_deploy.domain.records import Backend
from pie_deploy.domain.role import Permission
from pie_deploy.errors import ConflictError, DeployError, Detail, GraphLockedError, InvalidOperationError
from pie_deploy.limits import LOCK_REASONS_MAX
from pie_deploy.ports.store import Reading
from pie_deploy.services.actor import Actor
from pie_deploy.services.heads import Heads
from pie_deploy.services.ledger import Change, Ledger
from pie_deploy.services.lookup import backend_of
from pie_deploy.services.resolution import check_references

Choose = Callable[[Reading, Backend], Sequence[Operation]]
"""The operations of a request, by the backend as it is: what is checked against the lock."""
Land = Callable[[Head, str, Sequence[Operation], Stamp], list[OperationRecord]]
"""Lands them on the head, all or none."""

_ATTEMPTS = 3
"""Beside others; then it is done alone."""
_FEW = 20
"""Operations that take no longer to land than the writer takes to commit."""


@dataclass(frozen=True, slots=True)
class _Request:
    actor: Actor
    backend_id: str
    choose: Choose
    land: Land
    if_match: int | None


@dataclass(frozen=True, slots=True)
class _Landed:
    """Operations that the head has and the store has not."""

    backend: Backend
    head: Head
    records: list[OperationRecord]
    locked: bool
    """Whether a live deployment was taken into account."""


class Sequencer:
    def __init__(self, ledger: Ledger, heads: Heads) -> None:
        self._ledger = ledger
        self._heads = heads

    def change(
        self,
        actor: Actor,
        ref: str,
        choose: Choose,
        land: Land,
        *,
        count: int | None = None,
        if_match: int | None = None,
        dry_run: bool = False,
    ) -> list[OperationRecord]:
        """Choose, check, land and record; nothing to do is nothing. With `dry_run`, what was landed is taken back.

        count: how many operations will be chosen; None: nobody knows. Raises ConflictError, GraphLockedError, and what choosing
        and landing raise.
        """
        with self._ledger.reading() as reading:
            backend_id = backend_of(reading, actor, ref, Permission.EDIT).id
        request = _Request(actor, backend_id, choose, land, if_match)
        with self._heads.locked(backend_id):
            if dry_run:
                return self._tried(request)
            for _ in range(0 if count is not None and count <= _FEW else _ATTEMPTS):
                with suppress(_Overtaken):
                    return self._beside_others(request)
            return self._alone(request)

    def _tried(self, request: _Request) -> list[OperationRecord]:
        with self._ledger.reading() as reading:
            landed = self._land(reading, request)
        if landed is None:
            return []
        landed.head.take_back()
        return landed.records

    def _beside_others(self, request: _Request) -> list[OperationRecord]:
        """Raises _Overtaken when another control plane on the same database was faster."""
        with self._ledger.reading() as reading:
            landed = self._land(reading, request)
        if landed is None:
            return []
        with _taken_back_on_error(landed.head), self._ledger.change(request.actor) as change:
            _record(change, landed, _unmoved(change, landed))
        return landed.records

    def _alone(self, request: _Request) -> list[OperationRecord]:
        """All of it as the store's writer: nobody is faster."""
        with ExitStack() as taking_back, self._ledger.change(request.actor) as change:
            landed = self._land(change.rows, request)
            if landed is None:
                return []
            taking_back.enter_context(_taken_back_on_error(landed.head))
            _record(change, landed, landed.backend)
        return landed.records

    def _land(self, reading: Reading, request: _Request) -> _Landed | None:
        """None: there is nothing to do."""
        backend = backend_of(reading, request.actor, request.backend_id, Permission.EDIT)
        check_head(backend.head, request.if_match)
        head = self._heads.at(reading, backend)
        operations = request.choose(reading, backend)
        if not operations:
            return None
        locked = is_locking(reading.deployment_of(backend.id))
        if locked:
            _check_allowed(head, operations)
        actor = request.actor
        stamp = Stamp(actor=actor.name, at_ns=self._ledger.now_ns(), surface=actor.surface, request_id=actor.request_id)
        try:
            return _Landed(backend, head, request.land(head, backend.id, operations, stamp), locked)
        except DeployError:
            raise
        except BaseException:
            self._heads.forget(backend.id)  # a bug, or the end of the process: nobody took anything back
            raise


class _Overtaken(ConflictError):
    """The head has moved, or a deployment has come, since the operations were checked."""


def _unmoved(change: Change, landed: _Landed) -> Backend:
    """The row as it is now. Raises _Overtaken, and NotFoundError when the backend was deleted meanwhile."""
    backend = landed.backend
    current = backend_of(change.rows, change.actor, backend.id, Permission.EDIT)
    moved = (current.head, current.graph_hash) != (backend.head, backend.graph_hash)
    if moved or (is_locking(change.rows.deployment_of(backend.id)) and not landed.locked):
        raise _Overtaken(f"backend {backend.name} is being changed by another control plane")
    return current


def _record(change: Change, landed: _Landed, current: Backend) -> None:
    head, records = landed.head, landed.records
    if not head.tables.name:
        raise InvalidOperationError("a backend has a name")
    check_references(change.rows, current, (record.operation for record in records))
    change.rows.append(records)
    change.rows.put_backend(replace(current, head=head.seq, graph_hash=records[-1].graph_hash, name=head.tables.name))
    data = {"first": records[0].seq, "last": records[-1].seq}
    change.tell("backend.changed", backend_id=current.id, lease_id=current.lease_id, data=data)


@contextmanager
def _taken_back_on_error(head: Head) -> Iterator[None]:
    try:
        yield
    except BaseException:
        head.take_back()
        raise


def _check_allowed(head: Head, operations: Sequence[Operation]) -> None:
    """Raises GraphLockedError with every operation that a live deployment does not allow."""
    refused = [operation for operation in operations if not allowed_while_live(head, operation, head.shapes)]
    if refused:
        if isinstance(refused[0], ChangeParameter | AddFile | RemoveFile):
            rules.before(head, refused[0])  # there may be no such slot, which is no question of when
        details = [
            Detail(
                code=GraphLockedError.code,
                message=_why_not(head, operation),
                subject=getattr(operation, "vertex", ""),
            )
            for operation in refused[:LOCK_REASONS_MAX]
        ]
        message = f"a deployment is live: {_word(refused[0])} is not possible; fork the backend, or undeploy first"
        raise GraphLockedError(message, details)


def _why_not(head: Head, operation: Operation) -> str:
    match operation:
        case ChangeParameter() if operation.vertex in head.vertices:
            parameter = head.shape(operation.vertex).parameters.get(operation.name)
            left = parameter is not None and parameter.mutable
            return (
                f"parameter {operation.name} of {operation.vertex} {'would be left without a value' if left else 'is not mutable'}"
            )
        case AddFile() | RemoveFile() if operation.vertex in head.vertices:
            slot = head.shape(operation.vertex).files.get(operation.slot)
            left = slot is not None and slot.mutable
            return f"file {operation.slot} of {operation.vertex} {'would be missing' if left else 'is not mutable'}"
        case _:
            return f"{_word(operation)} changes what runs"


def _word(operation: Operation) -> str:
    return str(operation.__struct_config__.tag)
