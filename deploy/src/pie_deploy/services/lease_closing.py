"""Closing a lease, step by step: `domain.lease` says what comes next, here it is done.

What is left to do follows from what the lease still owns, so a close goes on where it was interrupted.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from pie_deploy.domain import lease as leases
from pie_deploy.domain.deployment import undeployed
from pie_deploy.domain.lease import (
    ClosingStep,
    DeleteBackends,
    DeleteFiles,
    DeleteVersions,
    Finish,
    HandOver,
    Holdings,
    ReclaimDeployments,
)
from pie_deploy.domain.records import Backend, ComponentVersion, Deployment, File, Lease, StatusReason
from pie_deploy.ports.store import Reading
from pie_deploy.services.ledger import Change

Resource = Backend | File | ComponentVersion
"""What a lease may own, but for deployments."""


def begin(change: Change, lease: Lease, how: leases.Close, reason: str) -> tuple[Lease, list[str]]:
    """Start to close it, and do what can be done now: as `advance`. Raises LeaseClosedError when it was closed the other way."""
    closing = leases.close(lease, how, reason, change.now_ns)
    if closing != lease:
        put(change, closing, f"lease.{closing.state}")
    return advance(change, closing)


def advance(change: Change, lease: Lease) -> tuple[Lease, list[str]]:
    """Do what can be done now; the lease as it is then, and contents that may be of no use any more."""
    contents: list[str] = []
    while (step := leases.next_step(lease, _holdings(change.rows, lease))) is not None:
        if isinstance(step, ReclaimDeployments):
            _reclaim(change, step)
            break
        if isinstance(step, Finish):
            lease = leases.closed(lease, change.now_ns)
            put(change, lease, f"lease.{lease.state}")
            break
        contents += _take_step(change, lease, step)
    return lease, contents


def _take_step(change: Change, lease: Lease, step: ClosingStep) -> Sequence[str]:
    """Contents that are of no use any more, as far as this step knows."""
    rows = change.rows
    if isinstance(step, DeleteBackends):
        for backend in rows.backends(lease.id):
            rows.put_backend(replace(backend, deleted_at_ns=change.now_ns))
            change.tell("backend.deleted", backend_id=backend.id, lease_id=lease.id, data={"name": backend.name})
        return ()
    if isinstance(step, DeleteFiles):
        files = rows.files(lease.id)
        for file in files:
            rows.delete_file(file.id)
            change.tell("file.deleted", lease_id=lease.id, data={"id": file.id, "name": file.name})
        return [file.content_hash for file in files]
    if isinstance(step, DeleteVersions):
        versions = rows.versions(lease_id=lease.id)
        for version in versions:
            rows.delete_version(version.id)
            change.tell("component.deleted", lease_id=lease.id, data={"id": version.id, "name": version.name})
        return [version.content_hash for version in versions]
    assert isinstance(step, HandOver)
    for resource in resources(rows, lease):
        hand_over(change, resource)
    return ()


def resources(reading: Reading, lease: Lease) -> list[Resource]:
    """What the lease owns, but for deployments."""
    return [*reading.backends(lease.id), *reading.files(lease.id), *reading.versions(lease_id=lease.id)]


def _reclaim(change: Change, step: ReclaimDeployments) -> None:
    for id_ in step.ids:
        deployment = change.rows.find_deployment(id_)
        if deployment is not None and deployment.status != "tearing_down":
            _tear_down(change, deployment, step.reason)


def _tear_down(change: Change, deployment: Deployment, reason: StatusReason) -> None:
    message = f"lease {deployment.lease_id} is closed"
    change.rows.put_deployment(undeployed(deployment, reason, message, change.now_ns))
    change.tell(
        "deployment.tearing_down",
        backend_id=deployment.backend_id,
        deployment_id=deployment.id,
        lease_id=deployment.lease_id,
        data={"reason": reason, "message": message},
    )


def can_go_on(reading: Reading, lease: Lease) -> bool:
    """Whether `advance` would change anything: not while deployments are being torn down."""
    step = leases.next_step(lease, _holdings(reading, lease))
    if not isinstance(step, ReclaimDeployments):
        return step is not None
    return any(deployment.status != "tearing_down" for deployment in reading.deployments(lease_id=lease.id))


def _holdings(reading: Reading, lease: Lease) -> Holdings:
    return Holdings(
        deployments=[deployment.id for deployment in reading.deployments(lease_id=lease.id)],
        backends=[backend.id for backend in reading.backends(lease.id)],
        files=[file.id for file in reading.files(lease.id)],
        versions=[version.id for version in reading.versions(lease_id=lease.id)],
    )


def hand_over(change: Change, resource: Resource) -> None:
    """From the lease to the workspace."""
    if isinstance(resource, Backend):
        change.rows.put_backend(replace(resource, lease_id=None))
    elif isinstance(resource, File):
        change.rows.put_file(replace(resource, lease_id=None))
    else:
        change.rows.put_version(replace(resource, lease_id=None))


def put(change: Change, lease: Lease, event: str) -> None:
    change.rows.put_lease(lease)
    change.tell(event, lease_id=lease.id, data={"reason": lease.reason} if lease.reason else {})
