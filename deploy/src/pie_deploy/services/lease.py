"""Leases: scopes over what is created in them. Committing keeps it, rolling back discards it; a lease that nobody keeps alive rolls
back by itself. Its deployment is reclaimed either way.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack

import msgspec
from msgspec.structs import replace

from pie_deploy.domain import lease as leases
from pie_deploy.domain.duration import parse_duration
from pie_deploy.domain.graph import Graph
from pie_deploy.domain.records import Backend, ComponentVersion, Lease
from pie_deploy.errors import Detail, InvalidArgumentError, LeaseOwnershipError
from pie_deploy.limits import LEASE_LABEL_LENGTH_MAX, LEASE_RESULT_BYTES_MAX, LEASE_TTL_DEFAULT_NS
from pie_deploy.ports.store import Reading
from pie_deploy.services.access import is_confined, is_own
from pie_deploy.services.actor import PLATFORM, Actor
from pie_deploy.services.blobs import Blobs
from pie_deploy.services.heads import Heads
from pie_deploy.services.lease_closing import Resource, advance, begin, can_go_on, hand_over, put, resources
from pie_deploy.services.ledger import Ledger
from pie_deploy.services.lookup import foreign, lease_of, runtime_of, seen_lease, version_of
from pie_deploy.services.resolution import files_of, versions_of
from pie_deploy.services.views import LeaseView


class Leases:
    """Only the lease's owner may use, prolong or close it."""

    def __init__(self, ledger: Ledger, blobs: Blobs, heads: Heads) -> None:
        self._ledger = ledger
        self._blobs = blobs
        self._heads = heads

    def create(self, actor: Actor, *, runtime: str | None = None, ttl: str | None = None, label: str = "") -> Lease:
        """Open a lease. runtime: the only one that its deployment may land on. ttl: the longest time without a heartbeat, a Go
        duration.

        Raises InvalidArgumentError, NotFoundError.
        """
        ttl_ns = LEASE_TTL_DEFAULT_NS if ttl is None else parse_duration(ttl)
        leases.check_ttl(ttl_ns)
        if len(label) > LEASE_LABEL_LENGTH_MAX:
            raise InvalidArgumentError(f"a lease's label has at most {LEASE_LABEL_LENGTH_MAX} characters")
        with self._ledger.change(actor) as change:
            lease = Lease(
                id=change.new_id("l"),
                state="open",
                label=label,
                runtime_id=None if runtime is None else runtime_of(change.rows, runtime).id,
                ttl_ns=ttl_ns,
                heartbeat_at_ns=change.now_ns,
                owner=actor.name,
                key=actor.key,
                created_at_ns=change.now_ns,
            )
            put(change, lease, "lease.created")
        return lease

    def show(self, actor: Actor, lease_id: str) -> LeaseView:
        """With everything that it owns. Raises NotFoundError."""
        with self._ledger.reading() as reading:
            return _view(reading, seen_lease(reading, actor, lease_id))

    def list(self, actor: Actor, *, closed: bool = False) -> Sequence[Lease]:
        """Those that are not closed, newest first; with `closed` all."""
        with self._ledger.reading() as reading:
            return [lease for lease in reading.leases(closed=closed) if not is_confined(actor) or is_own(actor, lease)]

    def heartbeat(self, actor: Actor, lease_id: str) -> Lease:
        """Somebody still cares. Raises LeaseClosedError."""
        with self._ledger.change(actor) as change:
            lease = leases.heartbeat(lease_of(change.rows, actor, lease_id), change.now_ns)
            change.rows.put_lease(lease)
        return lease

    def promote(self, actor: Actor, lease_id: str, resources: Sequence[str], *, with_deps: bool = False) -> LeaseView:
        """Move resources (ids, or names of backends and files, `name@version`) to the workspace, for good.

        What a promoted backend refers to must come along: `with_deps` takes it, else LeaseOwnershipError lists it. A deployment
        cannot be promoted (LeaseOwnershipError). Raises LeaseClosedError, NotFoundError.
        """
        with ExitStack() as locks:
            graphs = self._graphs(locks, lease_id)
            with self._ledger.change(actor) as change:
                lease = lease_of(change.rows, actor, lease_id)
                leases.check_open(lease, change.now_ns)
                chosen = [_owned(change.rows, actor, lease, ref) for ref in resources]
                for resource in _with_dependencies(change.rows, lease, chosen, graphs, with_deps):
                    hand_over(change, resource)
                    change.tell("lease.promoted", lease_id=lease.id, data={"id": resource.id})
                return _view(change.rows, lease)

    def commit(self, actor: Actor, lease_id: str) -> Lease:
        """Keep everything but the deployment. Closed at once, or `committing` until the deployment is gone. The same close again is
        answered as it is; the opposite one raises LeaseClosedError.
        """
        return self._close(actor, lease_id, "commit")

    def rollback(self, actor: Actor, lease_id: str) -> Lease:
        """Discard everything: deployments, then backends, files, prereleases. Closed at once, or `rolling_back` until the
        deployment is gone. The same close again is answered as it is; the opposite one raises LeaseClosedError.
        """
        return self._close(actor, lease_id, "rollback")

    def set_result(self, actor: Actor, lease_id: str, result: Mapping[str, object]) -> Lease:
        """Attach a verdict, also after the close."""
        if len(msgspec.json.encode(result)) > LEASE_RESULT_BYTES_MAX:
            raise InvalidArgumentError(f"a lease's result has at most {LEASE_RESULT_BYTES_MAX} bytes of JSON")
        with self._ledger.change(actor) as change:
            lease = replace(lease_of(change.rows, actor, lease_id), result=dict(result))
            put(change, lease, "lease.result")
        return lease

    def settle(self) -> bool:
        """Roll back leases whose time is over and finish those whose deployments are gone; idempotent, to be called now and
        then and after a deployment has gone. Returns whether anything changed.
        """
        with self._ledger.reading() as reading:
            now_ns = self._ledger.now_ns()
            due = [lease.id for lease in reading.leases() if leases.is_expired(lease, now_ns) or can_go_on(reading, lease)]
        for lease_id in due:
            self._settle(lease_id)
        return bool(due)

    def due_ns(self) -> int | None:
        """When the first open lease expires if nobody cares for it; None: there is none."""
        with self._ledger.reading() as reading:
            ends_ns = [lease.heartbeat_at_ns + lease.ttl_ns for lease in reading.leases() if lease.state == "open"]
        return min(ends_ns, default=None)

    def _close(self, actor: Actor, lease_id: str, how: leases.Close) -> Lease:
        with self._blobs.lock:
            with self._ledger.change(actor) as change:
                lease = lease_of(change.rows, actor, lease_id)
                lease, contents = begin(change, lease, how, how)
            self._clean(lease, contents)
        return lease

    def _settle(self, lease_id: str) -> None:
        with self._blobs.lock:
            with self._ledger.change(PLATFORM) as change:
                lease = change.rows.find_lease(lease_id)
                assert lease is not None, "leases are never deleted"
                if leases.is_expired(lease, change.now_ns):
                    lease, contents = begin(change, lease, "rollback", "ttl")
                else:
                    lease, contents = advance(change, lease)
            self._clean(lease, contents)

    def _clean(self, lease: Lease, contents: Iterable[str]) -> None:
        """What is of no use once the transaction is durable. Interrupted here, the sweep at the next start does it."""
        with self._ledger.reading() as reading:
            for content in set(contents):
                if not reading.is_content_used(content):
                    self._blobs.remove(content)

    def _graphs(self, locks: ExitStack, lease_id: str) -> dict[str, Graph]:
        """Of the lease's backends, which stay locked, in the order of their ids: two such callers do not wait for one another."""
        with self._ledger.reading() as reading:
            ids = sorted(backend.id for backend in reading.backends(lease_id))
        for id_ in ids:
            locks.enter_context(self._heads.locked(id_))
        return {id_: self._heads.graph(id_)[1] for id_ in ids}


def _owned(reading: Reading, actor: Actor, lease: Lease, ref: str) -> Resource:
    """What a reference means, inside the lease. Raises NotFoundError, LeaseOwnershipError."""
    if reading.find_deployment(ref) is not None:
        raise LeaseOwnershipError(f"deployment {ref} ends with its lease; promote its backend, and deploy it again")
    for resource in resources(reading, lease):
        if ref in (resource.id, resource.name) or (
            isinstance(resource, ComponentVersion) and ref == f"{resource.name}@{resource.version}"
        ):
            return resource
    other: Resource = reading.find_backend(ref) or reading.find_file(ref) or version_of(reading, actor, ref)
    if other.lease_id is not None:
        raise foreign("resource", other.id, other.lease_id)
    raise LeaseOwnershipError(f"{ref} does not belong to lease {lease.id}")


def _with_dependencies(
    reading: Reading, lease: Lease, chosen: Sequence[Resource], graphs: Mapping[str, Graph], with_deps: bool
) -> Sequence[Resource]:
    """What is chosen and what it refers to inside the lease. Raises LeaseOwnershipError, with all that is missing."""
    taken = {resource.id: resource for resource in chosen}
    held = {resource.id: resource for resource in resources(reading, lease)}
    missing: list[Detail] = []
    for backend in chosen:
        for id_ in _references(graphs[backend.id]) if isinstance(backend, Backend) else ():
            if id_ in held and id_ not in taken:
                message = f"backend {backend.name} refers to {held[id_].name} ({id_})"
                missing.append(Detail(code=LeaseOwnershipError.code, message=message, subject=id_))
                taken[id_] = held[id_]
    if missing and not with_deps:
        raise LeaseOwnershipError("what a promoted backend refers to has to be promoted too", missing)
    return list(taken.values())


def _references(graph: Graph) -> set[str]:
    return {*versions_of(graph).values(), *files_of(graph)}


def _view(reading: Reading, lease: Lease) -> LeaseView:
    return LeaseView(
        lease=lease,
        versions=tuple(reading.versions(lease_id=lease.id)),
        backends=tuple(reading.backends(lease.id)),
        deployments=tuple(reading.deployments(lease_id=lease.id)),
        files=tuple(reading.files(lease.id)),
    )
