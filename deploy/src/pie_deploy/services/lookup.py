"""What a reference means, and for whom: ids and names become rows, or NotFoundError.

What a lease owns may be used inside that lease only: outside it, a name passes over it to what the workspace owns.

`permission` is what is to be done with the row: ForbiddenError where the actor may not. What he may not know of is NotFoundError.
"""

from collections.abc import Iterable
from typing import Protocol, TypeVar

from pie_deploy.domain import lease as leases
from pie_deploy.domain.records import Backend, ComponentVersion, Deployment, File, Lease, Runtime
from pie_deploy.domain.role import Permission
from pie_deploy.domain.suggestion import hint
from pie_deploy.errors import DeployError, ForbiddenError, LeaseOwnershipError, NotFoundError
from pie_deploy.ports.store import Reading
from pie_deploy.services.access import Sees, check_reach, is_confined, is_own, owns, sees
from pie_deploy.services.actor import Actor

T = TypeVar("T")

_SHOWN_MAX = 80
"""Characters of a reference that are repeated in a message."""


def backend_of(reading: Reading, actor: Actor, ref: str, permission: Permission = Permission.READ) -> Backend:
    """Not a deleted one."""
    backend, seen = reading.find_backend(ref), sees(reading, actor)
    if backend is None or backend.deleted_at_ns is not None or not seen(backend.lease_id):
        raise _missing("backend", ref, _names(backend for backend in reading.backends() if seen(backend.lease_id)))
    check_reach(reading, actor, permission, f"backend {backend.name}", backend.lease_id)
    return backend


def deployment_of(reading: Reading, actor: Actor, ref: str, permission: Permission = Permission.READ) -> Deployment:
    """By its id, also a gone one; or that of a backend which is not gone."""
    seen = sees(reading, actor)
    deployment = reading.find_deployment(ref) or _living(reading, ref)
    if deployment is None or not seen(deployment.lease_id):
        backend = reading.find_backend(ref)
        if backend is None or not seen(backend.lease_id):
            raise _missing("deployment", ref, _deployed(reading, seen))
        raise NotFoundError(f"backend {backend.name} is not deployed")
    check_reach(reading, actor, permission, f"deployment {deployment.id}", deployment.lease_id)
    return deployment


def _living(reading: Reading, ref: str) -> Deployment | None:
    """Of a backend."""
    backend = reading.find_backend(ref)
    return None if backend is None else reading.deployment_of(backend.id)


def _deployed(reading: Reading, seen: Sees) -> list[str]:
    """Names of the backends that have a deployment."""
    backends = {deployment.backend_id for deployment in reading.deployments() if seen(deployment.lease_id)}
    return [backend.name for backend in reading.backends() if backend.id in backends]


def runtime_of(reading: Reading, ref: str) -> Runtime:
    runtime = reading.find_runtime(ref)
    if runtime is None:
        raise _missing("runtime", ref, _names(reading.runtimes()))
    return runtime


def file_of(reading: Reading, actor: Actor, ref: str, permission: Permission = Permission.READ) -> File:
    """By id, or the newest of a name that the actor may know of."""
    file, seen = reading.find_file(ref), sees(reading, actor)
    if file is not None and not seen(file.lease_id):
        file = next((other for other in reading.files() if other.name == ref and seen(other.lease_id)), None)
    if file is None:
        raise _missing("file", ref, _names(file for file in reading.files() if seen(file.lease_id)))
    check_reach(reading, actor, permission, f"file {file.name}", file.lease_id)
    return file


def file_for(reading: Reading, actor: Actor, ref: str, lease_id: str | None) -> File:
    """The file that something inside a lease (None: in the workspace) may refer to. Raises LeaseOwnershipError for another
    lease's id.
    """
    file = file_of(reading, actor, ref)
    if file.lease_id in (None, lease_id):
        return file
    if file.id != ref:
        for other in reading.files():
            if other.name == ref and other.lease_id in (None, lease_id):
                return other
    raise foreign("file", file.id, file.lease_id)


def version_of(reading: Reading, actor: Actor, ref: str, permission: Permission = Permission.READ) -> ComponentVersion:
    """By id, `name@version`, or name: the newest released version, else the actor's newest prerelease."""
    visible = (version for version in reading.versions(ref) if may_see(reading, actor, version))
    found = _newest(visible) or reading.find_version(ref)
    if found is None or not may_see(reading, actor, found):
        raise _missing_version(reading, actor, ref)
    check_reach(reading, actor, permission, f"component {found.name}@{found.version}", found.lease_id)
    return found


def _missing_version(reading: Reading, actor: Actor, ref: str) -> NotFoundError:
    """Says which versions there are of a component that is there, else which components; of those that the actor may see."""
    name = ref.partition("@")[0]
    of_name = [f"{version.name}@{version.version}" for version in reading.versions(name) if may_see(reading, actor, version)]
    if of_name:
        return _missing("component version", ref, of_name)
    return _missing("component", ref, _names(version for version in reading.versions() if may_see(reading, actor, version)))


def version_for(reading: Reading, actor: Actor, ref: str, lease_id: str | None) -> ComponentVersion:
    """The version that a backend inside a lease (None: in the workspace) may run. Raises LeaseOwnershipError for another
    lease's.
    """
    version = version_of(reading, actor, ref)
    if version.lease_id in (None, lease_id):
        return version
    visible = (other for other in reading.versions(ref) if may_see(reading, actor, other))
    usable = (other for other in visible if other.lease_id in (None, lease_id))
    return _given(_newest(usable), foreign("component version", version.id, version.lease_id))


def may_see(reading: Reading, actor: Actor, version: ComponentVersion) -> bool:
    """A prerelease is its owner's alone; and of those, an agent sees the ones in its leases."""
    if version.state == "released":
        return True
    return version.owner == actor.name and (not is_confined(actor) or owns(reading, actor, version.lease_id))


def lease_of(reading: Reading, actor: Actor, lease_id: str) -> Lease:
    """A lease that the actor may use. Raises NotFoundError, ForbiddenError."""
    lease = seen_lease(reading, actor, lease_id)
    if lease.owner != actor.name:
        raise ForbiddenError(f"lease {lease.id} belongs to {lease.owner}")
    return lease


def seen_lease(reading: Reading, actor: Actor, lease_id: str) -> Lease:
    """A lease that the actor may look at. Raises NotFoundError, which says which open ones he has."""
    lease = reading.find_lease(lease_id)
    if lease is None or (is_confined(actor) and not is_own(actor, lease)):
        raise _missing("lease", lease_id, [lease.id for lease in reading.leases() if is_own(actor, lease)])
    return lease


def open_lease(reading: Reading, actor: Actor, lease_id: str | None, now_ns: int, permission: Permission) -> str | None:
    """The id of the lease that will own what is being made; None: the workspace. Raises NotFoundError, ForbiddenError,
    LeaseClosedError.
    """
    if lease_id is None:
        check_reach(reading, actor, permission, "what is made without a lease", None)
        return None
    lease = lease_of(reading, actor, lease_id)
    leases.check_open(lease, now_ns)
    return lease.id


def foreign(kind: str, id_: str, lease_id: str | None) -> LeaseOwnershipError:
    return LeaseOwnershipError(
        f"{kind} {id_} belongs to lease {lease_id} and can be used in it only; promote it out of the lease first"
    )


def _newest(versions: Iterable[ComponentVersion]) -> ComponentVersion | None:
    """Of one name, newest first: the first that is released, else the first."""
    visible = list(versions)
    return next((version for version in visible if version.state == "released"), visible[0] if visible else None)


class _Named(Protocol):
    @property
    def name(self) -> str: ...


def _names(rows: Iterable[_Named]) -> list[str]:
    return [row.name for row in rows]


def _missing(kind: str, ref: str, names: Iterable[str]) -> NotFoundError:
    return NotFoundError(f"there is no {kind} {ref[:_SHOWN_MAX]!r}", hint=hint(ref, names))


def _given(found: T | None, otherwise: DeployError) -> T:
    if found is None:
        raise otherwise
    return found
