"""What a reference means, and for whom: ids and names become rows, or NotFoundError.

What a lease owns may be used inside that lease only: outside it, a name passes over it to what the workspace owns.
"""

from collections.abc import Iterable
from typing import TypeVar

from pie_deploy.domain import lease as leases
from pie_deploy.domain.records import Backend, ComponentVersion, Deployment, File, Lease, Runtime
from pie_deploy.errors import DeployError, ForbiddenError, LeaseOwnershipError, NotFoundError
from pie_deploy.ports.store import Reading
from pie_deploy.services.actor import Actor

T = TypeVar("T")

_SHOWN_MAX = 80
"""Characters of a reference that are repeated in a message."""


def backend_of(reading: Reading, ref: str) -> Backend:
    """Not a deleted one."""
    backend = reading.find_backend(ref)
    if backend is None or backend.deleted_at_ns is not None:
        raise _missing("backend", ref)
    return backend


def deployment_of(reading: Reading, ref: str) -> Deployment:
    """By its id, also a gone one; or that of a backend which is not gone."""
    deployment = reading.find_deployment(ref)
    if deployment is not None:
        return deployment
    backend = reading.find_backend(ref)
    living = None if backend is None else reading.deployment_of(backend.id)
    if living is None:
        raise _missing("deployment", ref)
    return living


def runtime_of(reading: Reading, ref: str) -> Runtime:
    runtime = reading.find_runtime(ref)
    if runtime is None:
        raise _missing("runtime", ref)
    return runtime


def file_of(reading: Reading, ref: str) -> File:
    file = reading.find_file(ref)
    if file is None:
        raise _missing("file", ref)
    return file


def file_for(reading: Reading, ref: str, lease_id: str | None) -> File:
    """The file that something inside a lease (None: in the workspace) may refer to. Raises LeaseOwnershipError for another
    lease's id.
    """
    file = file_of(reading, ref)
    if file.lease_id in (None, lease_id):
        return file
    if file.id != ref:
        for other in reading.files():
            if other.name == ref and other.lease_id in (None, lease_id):
                return other
    raise foreign("file", file.id, file.lease_id)


def version_of(reading: Reading, actor: Actor, ref: str) -> ComponentVersion:
    """By id, `name@version`, or name: the newest released version, else the actor's newest prerelease."""
    named = reading.versions(ref)
    if named:
        return _given(_newest(version for version in named if may_see(actor, version)), _missing("component", ref))
    version = reading.find_version(ref)
    if version is None or not may_see(actor, version):
        raise _missing("component version", ref)
    return version


def version_for(reading: Reading, actor: Actor, ref: str, lease_id: str | None) -> ComponentVersion:
    """The version that a backend inside a lease (None: in the workspace) may run. Raises LeaseOwnershipError for another
    lease's.
    """
    version = version_of(reading, actor, ref)
    if version.lease_id in (None, lease_id):
        return version
    usable = (other for other in reading.versions(ref) if may_see(actor, other) and other.lease_id in (None, lease_id))
    return _given(_newest(usable), foreign("component version", version.id, version.lease_id))


def may_see(actor: Actor, version: ComponentVersion) -> bool:
    """A prerelease is its owner's alone."""
    return version.state == "released" or version.owner == actor.name


def lease_of(reading: Reading, actor: Actor, lease_id: str) -> Lease:
    """A lease that the actor may use. Raises NotFoundError, ForbiddenError."""
    lease = reading.find_lease(lease_id)
    if lease is None:
        raise _missing("lease", lease_id)
    if lease.owner != actor.name:
        raise ForbiddenError(f"lease {lease.id} belongs to {lease.owner}")
    return lease


def open_lease(reading: Reading, actor: Actor, lease_id: str | None, now_ns: int) -> str | None:
    """The id of the lease that will own what is being made; None: the workspace. Raises NotFoundError, ForbiddenError,
    LeaseClosedError.
    """
    if lease_id is None:
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


def _missing(kind: str, ref: str) -> NotFoundError:
    return NotFoundError(f"there is no {kind} {ref[:_SHOWN_MAX]!r}")


def _given(found: T | None, otherwise: DeployError) -> T:
    if found is None:
        raise otherwise
    return found
