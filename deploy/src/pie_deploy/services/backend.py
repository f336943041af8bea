"""Backends: typed graphs whose log of operations is the only truth. One lock per backend puts its changes in a row."""

import re
from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from pie_deploy.domain import log as logs
from pie_deploy.domain.compact import compacted
from pie_deploy.domain.completeness import problems
from pie_deploy.domain.cycles import cycle_problem, cycle_through
from pie_deploy.domain.digest import graph_hash
from pie_deploy.domain.document import GraphDocument, changes, check_document, difference, document_of
from pie_deploy.domain.endpoints import GraphEndpoint, endpoints
from pie_deploy.domain.fork import fork
from pie_deploy.domain.graph import Graph
from pie_deploy.domain.head import Head
from pie_deploy.domain.log import Stamp
from pie_deploy.domain.manifest import NAME_PATTERN, NAME_RULE
from pie_deploy.domain.operations import Connect, Operation, OperationRecord
from pie_deploy.domain.records import Backend
from pie_deploy.domain.role import Permission
from pie_deploy.domain.token import forwarding_token
from pie_deploy.domain.undo import inverses
from pie_deploy.errors import ConflictError, DeploymentLiveError, Detail, InvalidArgumentError, LeaseOwnershipError
from pie_deploy.limits import OPERATIONS_LISTED_MAX
from pie_deploy.ports.store import Reading
from pie_deploy.services.access import sees
from pie_deploy.services.actor import Actor
from pie_deploy.services.graph_view import backend_view
from pie_deploy.services.heads import Heads, log
from pie_deploy.services.history import inserted, named, tail_to_undo
from pie_deploy.services.ledger import Change, Ledger
from pie_deploy.services.lookup import backend_of, foreign, open_lease
from pie_deploy.services.resolution import Resolver, check_graph_references, check_references, names_in, with_names
from pie_deploy.services.sequencer import Sequencer
from pie_deploy.services.views import Appended, AppliedDocument, BackendView, EndpointView

_NAME = re.compile(NAME_PATTERN)


class Backends:
    """`ref` is a backend's id or name everywhere."""

    def __init__(self, ledger: Ledger, heads: Heads, mac_key: bytes, gateway_url: Callable[[], str]) -> None:
        self._ledger = ledger
        self._heads = heads
        self._sequencer = Sequencer(ledger, heads)
        self._mac_key = mac_key
        self._gateway_url = gateway_url

    def create(self, actor: Actor, name: str, lease: str | None = None) -> Backend:
        """An empty graph. Raises InvalidArgumentError for a name out of form, AlreadyExistsError, NotFoundError and
        LeaseClosedError for the lease.
        """
        _check_name(name)
        with self._ledger.change(actor) as change:
            backend = _new(change, name, lease, change.new_id("b"))
            change.rows.put_backend(backend)
            change.tell("backend.created", backend_id=backend.id, lease_id=backend.lease_id, data={"name": name})
        return backend

    def list(self, actor: Actor) -> Sequence[Backend]:
        """By name; deleted ones not."""
        with self._ledger.reading() as reading:
            seen = sees(reading, actor)
            return [backend for backend in reading.backends() if seen(backend.lease_id)]

    def show(self, actor: Actor, ref: str) -> BackendView:
        """The graph at the head of the log, with resolved types and what it lacks for a deployment."""
        backend_id = self._id(actor, ref)
        with self._heads.locked(backend_id), self._ledger.reading() as reading:
            backend = backend_of(reading, actor, backend_id)
            deployment = reading.deployment_of(backend.id)
            if deployment is not None and not sees(reading, actor)(deployment.lease_id):
                deployment = None
            return backend_view(reading, backend, self._heads.at(reading, backend), deployment)

    def append(
        self,
        actor: Actor,
        ref: str,
        operations: Sequence[Operation],
        *,
        if_match: int | None = None,
        bridge: bool = True,
    ) -> Appended:
        """Append a batch: all of it or nothing. Component names in it are resolved to version ids before anything is recorded; a
        `connect` between types that do not unify may insert transformations (with `bridge`), which are listed in the answer.

        if_match: the head's seq as the caller knows it.
        Raises ConflictError (the head is not `if_match`), GraphLockedError (a topology change while a deployment is live;
        nothing is recorded), InvalidOperationError, TypeMismatchError, LiteralError, NotFoundError, LeaseOwnershipError,
        InvalidArgumentError (an empty or too long batch).
        """
        if not operations:
            raise InvalidArgumentError("there are no operations to append")

        def choose(reading: Reading, backend: Backend) -> Sequence[Operation]:
            return [*map(Resolver(reading, actor, backend.lease_id).operation, operations)]

        warnings: list[Detail] = []

        def land(head: Head, backend_id: str, operations: Sequence[Operation], stamp: Stamp) -> list[OperationRecord]:
            records = logs.append(head, backend_id, operations, stamp, bridge=bridge)
            warnings[:] = _cycles(head, records)
            return records

        records = self._sequencer.change(actor, ref, choose, land, count=len(operations), if_match=if_match)
        names = self._names(record.operation for record in records)
        return Appended(records=tuple(records), inserted=inserted(records), warnings=tuple(warnings), names=names)

    def names(self, actor: Actor, operations: Iterable[Operation]) -> dict[str, str]:
        """What people call the versions and files that operations, which the actor was shown, name by id."""
        return self._names(operations)

    def operations(
        self, actor: Actor, ref: str, *, after: int = 0, limit: int | None = None, vertex: str | None = None
    ) -> Sequence[OperationRecord]:
        """The log after a seq, oldest first; of one vertex: what names it. No more than `OPERATIONS_LISTED_MAX` at once."""
        bound = OPERATIONS_LISTED_MAX if limit is None else max(0, min(limit, OPERATIONS_LISTED_MAX))
        with self._ledger.reading() as reading:
            backend_id = backend_of(reading, actor, ref).id
            if vertex is None:
                return reading.operations(backend_id, after, bound)
            found: list[OperationRecord] = []
            for record in log(reading, backend_id, after=after):
                if len(found) == bound:
                    break
                if vertex in named(record.operation):
                    found.append(record)
            return found

    def undo(self, actor: Actor, ref: str, count: int = 1) -> Appended:
        """Take back the last `count` operations that are not taken back yet, by appending their inverses. Raises
        InvalidOperationError when one of them cannot be undone or there are not so many, GraphLockedError.
        """
        tail: list[OperationRecord] = []

        def choose(reading: Reading, backend: Backend) -> Sequence[Operation]:
            tail[:] = tail_to_undo(reading, backend, count)
            return [inverse.operation for inverse in inverses(tail, count)]

        def land(head: Head, backend_id: str, _: Sequence[Operation], stamp: Stamp) -> list[OperationRecord]:
            return logs.undo(head, backend_id, tail, count, stamp)

        return Appended(records=tuple(self._sequencer.change(actor, ref, choose, land, count=count)))

    def compact(self, actor: Actor, ref: str) -> Backend:
        """Rewrite the log to the shortest that gives the same graph; the old one is archived. Cannot be undone. Raises
        DeploymentLiveError while there is a deployment (it pins a seq).
        """
        backend_id = self._id(actor, ref, Permission.EDIT)
        with self._heads.locked(backend_id):
            before, graph = self._heads.graph(backend_id)
            records = compacted(graph, backend_id, self._stamp(actor))
            with self._ledger.change(actor) as change:
                backend = backend_of(change.rows, actor, backend_id, Permission.EDIT)
                _check_not_deployed(change, backend)
                _check_still(before, backend)
                change.rows.replace_log(backend_id, records)
                backend = replace(backend, head=len(records), graph_hash=records[-1].graph_hash if records else graph_hash(Graph()))
                change.rows.put_backend(backend)
                data = {"before": before.head, "after": backend.head}
                change.tell("backend.compacted", backend_id=backend_id, lease_id=backend.lease_id, data=data)
        return backend

    def fork(self, actor: Actor, ref: str, name: str, *, at: int | None = None, lease: str | None = None) -> Backend:
        """A backend of its own with the log of another one up to `at` (default: all of it): its aliases, values and bindings,
        none of its URLs and deployments. Raises NotFoundError, AlreadyExistsError, InvalidArgumentError (a name out of form),
        LeaseOwnershipError when the original belongs to another lease.
        """
        _check_name(name)
        backend_id = self._ledger.new_id("b")
        with self._ledger.reading() as reading:
            source = backend_of(reading, actor, ref)
            records = fork([*log(reading, source.id)], backend_id, at)
        head = Head.replay(records, self._heads.shapes)
        with self._ledger.change(actor) as change:
            current = backend_of(change.rows, actor, source.id)
            if current.lease_id not in (None, lease):
                raise foreign("backend", source.id, current.lease_id)
            backend = replace(
                _new(change, name, lease, backend_id),
                head=head.seq,
                graph_hash=head.hash(),
                forked_from=source.id,
                forked_at=head.seq,
            )
            check_graph_references(change.rows, backend, head.graph())
            change.rows.put_backend(backend)
            change.rows.append(records)
            data = {"name": name, "from": source.id, "at": head.seq}
            change.tell("backend.forked", backend_id=backend.id, lease_id=backend.lease_id, data=data)
        return backend

    def delete(self, actor: Actor, ref: str) -> None:
        """Retire its URLs; the log stays in the archive. Raises DeploymentLiveError while there is a deployment."""
        backend_id = self._id(actor, ref, Permission.EDIT)
        with self._heads.locked(backend_id):
            with self._ledger.change(actor) as change:
                backend = backend_of(change.rows, actor, backend_id, Permission.EDIT)
                _check_not_deployed(change, backend)
                change.rows.put_backend(replace(backend, deleted_at_ns=change.now_ns))
                change.tell("backend.deleted", backend_id=backend.id, lease_id=backend.lease_id, data={"name": backend.name})
            self._heads.forget(backend_id)

    def endpoints(self, actor: Actor, ref: str) -> Sequence[EndpointView]:
        """The published endpoints: one per alias, with the URL that outlives deployments. By role."""
        backend, graph = self._heads.graph(self._id(actor, ref, Permission.READ_URLS))
        published = [endpoint for endpoint in endpoints(graph, self._heads.shapes) if endpoint.role is not None]
        return [self._endpoint(backend, endpoint) for endpoint in sorted(published, key=lambda endpoint: endpoint.role or "")]

    def apply(
        self, actor: Actor, ref: str, document: GraphDocument, *, dry_run: bool = False, lease: str | None = None
    ) -> AppliedDocument:
        """Make a backend what a document says, by appending the operations that are missing; what the document lacks goes. A
        backend of that name that does not exist is created, with its graph or not at all. Nothing is inserted to bridge types:
        a document says everything. Raises what `create` and `append` raise, and ManifestError.
        """
        check_document(document)
        with self._ledger.reading() as reading:
            backend = reading.find_backend(ref)
            if backend is not None and backend.deleted_at_ns is None:
                backend = backend_of(reading, actor, ref, Permission.EDIT)
        if backend is None or backend.deleted_at_ns is not None:
            return self._apply_new(actor, ref, document, lease, dry_run=dry_run)
        if lease not in (None, backend.lease_id):
            raise LeaseOwnershipError(f"backend {backend.name} was not made in lease {lease}; what is there cannot enter one")
        chosen: list[Operation] = []

        def choose(reading: Reading, backend: Backend) -> Sequence[Operation]:
            wanted = Resolver(reading, actor, backend.lease_id).document(document)
            chosen[:] = changes(self._heads.at(reading, backend).graph(), wanted)
            return chosen

        found: list[Detail] = []

        def land(head: Head, backend_id: str, operations: Sequence[Operation], stamp: Stamp) -> list[OperationRecord]:
            records = logs.append(head, backend_id, operations, stamp, of_document=True)
            found[:] = problems(head.graph(), head.shapes, head.files)
            return records

        records = self._sequencer.change(actor, backend.id, choose, land, dry_run=dry_run)
        return AppliedDocument(
            backend_id=backend.id,
            created=False,
            operations=tuple(chosen),
            records=() if dry_run else tuple(records),
            problems=tuple(found),
            names=self._names(chosen),
        )

    def export(self, actor: Actor, ref: str) -> GraphDocument:
        """The graph as a document, with names for ids; the inverse of `apply`."""
        backend, graph = self._heads.graph(self._id(actor, ref))
        with self._ledger.reading() as reading:
            return with_names(reading, document_of(graph, backend.name))

    def diff(self, actor: Actor, ref: str, other: str) -> Sequence[Operation]:
        """What would have to be appended to `ref` to make its graph that of `other`."""
        _, graph = self._heads.graph(self._id(actor, ref))
        _, wanted = self._heads.graph(self._id(actor, other))
        return difference(graph, wanted)

    def _apply_new(self, actor: Actor, name: str, document: GraphDocument, lease: str | None, *, dry_run: bool) -> AppliedDocument:
        _check_name(name)
        head, backend_id = self._heads.empty(), self._ledger.new_id("b")
        with self._ledger.reading() as reading:
            operations = changes(Graph(), Resolver(reading, actor, lease).document(document))
        records = logs.append(head, backend_id, operations, self._stamp(actor), of_document=True) if operations else []
        found, names = tuple(problems(head.graph(), head.shapes, head.files)), self._names(operations)
        if dry_run:
            return AppliedDocument(backend_id=None, created=False, operations=tuple(operations), problems=found, names=names)
        with self._ledger.change(actor) as change:
            backend = replace(_new(change, name, lease, backend_id), head=head.seq, graph_hash=head.hash())
            check_references(change.rows, backend, operations)
            change.rows.put_backend(backend)
            change.rows.append(records)
            data = {"name": name, "operations": len(records)}
            change.tell("backend.created", backend_id=backend_id, lease_id=backend.lease_id, data=data)
        return AppliedDocument(
            backend_id=backend_id,
            created=True,
            operations=tuple(operations),
            records=tuple(records),
            problems=found,
            names=names,
        )

    def _endpoint(self, backend: Backend, endpoint: GraphEndpoint) -> EndpointView:
        token = forwarding_token(self._mac_key, backend.id, endpoint.vertex, endpoint.name, endpoint.rotation)
        return EndpointView(
            role=endpoint.role or "",
            vertex=endpoint.vertex,
            endpoint=endpoint.name,
            direction=endpoint.declared.direction,
            transports=endpoint.declared.transports,
            type=endpoint.declared.type,
            url=f"{self._gateway_url().rstrip('/')}/f/{token}",
            rotation=endpoint.rotation,
        )

    def _names(self, operations: Iterable[Operation]) -> dict[str, str]:
        with self._ledger.reading() as reading:
            return names_in(reading, operations)

    def _stamp(self, actor: Actor) -> Stamp:
        return Stamp(actor=actor.name, at_ns=self._ledger.now_ns(), surface=actor.surface, request_id=actor.request_id)

    def _id(self, actor: Actor, ref: str, permission: Permission = Permission.READ) -> str:
        with self._ledger.reading() as reading:
            return backend_of(reading, actor, ref, permission).id


def _cycles(head: Head, records: Iterable[OperationRecord]) -> list[Detail]:
    """The cycle without a delay that new edges have closed, if they have."""
    ends = [record.operation.input.vertex for record in records if isinstance(record.operation, Connect)]
    cycle = cycle_through(head.tables, ends)
    return [cycle_problem(cycle)] if cycle else []


def _new(change: Change, name: str, lease: str | None, id_: str) -> Backend:
    return Backend(
        id=id_,
        name=name,
        owner=change.actor.name,
        head=0,
        graph_hash=graph_hash(Graph()),
        lease_id=open_lease(change.rows, change.actor, lease, change.now_ns, Permission.EDIT),
        created_at_ns=change.now_ns,
    )


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidArgumentError(f"{name[:80]!r} cannot be a backend's name", hint=NAME_RULE)


def _check_not_deployed(change: Change, backend: Backend) -> None:
    deployment = change.rows.deployment_of(backend.id)
    if deployment is not None:
        raise DeploymentLiveError(f"backend {backend.name} has deployment {deployment.id} ({deployment.status}); undeploy it first")


def _check_still(before: Backend, backend: Backend) -> None:
    if (before.head, before.graph_hash) != (backend.head, backend.graph_hash):
        raise ConflictError(f"backend {backend.name} is being changed by another control plane")
