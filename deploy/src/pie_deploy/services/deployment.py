"""Deployments: a backend's graph, materialised on a runtime. Services decide and record; the controller makes it so.

What is recorded, and so what the controller finds:

- `deploy` writes the row (`deploying`, generation 1) and one `pending` container per vertex, with its node and what is reserved
  there, in one transaction. The row and the reservation are all there is, or nothing is.
- `redeploy` writes the containers of the next generation beside the old ones and pins the head: `generation + 1`, and `redeploying`
  with the status unchanged from `running`, or status `deploying` from `failed`. The controller deletes the containers of older
  generations when they have stopped.
- `undeploy` turns the status to `tearing_down`; the controller sets `gone_at_ns` when nothing is left.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from pie_deploy.domain.deployment import redeployed, undeployed
from pie_deploy.domain.records import Backend, Deployment, Event, Lease
from pie_deploy.domain.role import Permission
from pie_deploy.errors import ConflictError, DeployError, NotFoundError, StorageError
from pie_deploy.limits import EVENTS_PER_REQUEST_MAX, REFUSAL_REASONS_MAX
from pie_deploy.services import admission
from pie_deploy.services.access import sees
from pie_deploy.services.actor import Actor
from pie_deploy.services.admission import Admitted, Candidate, Wish
from pie_deploy.services.heads import Heads
from pie_deploy.services.ledger import Change, Ledger
from pie_deploy.services.lookup import backend_of, deployment_of


class Deployments:
    """`ref` is a deployment's id, or a backend's id or name: its deployment that is not gone."""

    def __init__(self, ledger: Ledger, heads: Heads) -> None:
        self._ledger = ledger
        self._heads = heads

    def deploy(
        self,
        actor: Actor,
        backend: str,
        *,
        runtime: str | None = None,
        debug: bool = False,
        fixed_duration: str | None = None,
        startup_timeout: str | None = None,
        lease: str | None = None,
    ) -> Deployment:
        """Accept a deployment, or refuse it before anything starts: then there is no row, and the error's `details` list every
        reason.

        runtime: id or name; None takes the only one that is eligible. fixed_duration, startup_timeout: Go durations. A backend
        that a lease owns is deployed inside that lease. Raises GraphIncompleteError (SketchPresentError), DeploymentLiveError,
        PlacementError (RuntimeFullError, RuntimeClassError, RuntimeLockedError), InvalidArgumentError, LeaseClosedError,
        LeaseOwnershipError, ForbiddenError, NotFoundError.
        """
        with self._ledger.reading() as reading:
            backend_id = backend_of(reading, actor, backend, Permission.DEPLOY).id
        try:
            with self._heads.locked(backend_id):
                return self._deploy(actor, backend_id, Wish(runtime, debug, fixed_duration, startup_timeout, lease))
        except StorageError:
            raise
        except DeployError as error:
            self._tell_refused(actor, backend_id, error)
            raise

    def redeploy(self, actor: Actor, ref: str, *, runtime: str | None = None, debug: bool | None = None) -> Deployment:
        """Replace the containers by fresh ones of the backend's head; same id, same URLs. With `runtime`, it moves there.
        Refused before anything stops if the head is incomplete or does not fit. Raises as `deploy`; DeploymentStateError while
        it is deploying, redeploying or tearing down.
        """
        with self._ledger.reading() as reading:
            backend_id = deployment_of(reading, actor, ref, Permission.DEPLOY).backend_id
        with self._heads.locked(backend_id):
            return self._redeploy(actor, ref, backend_id, runtime, debug)

    def undeploy(self, actor: Actor, ref: str) -> Deployment:
        """Begin to tear it down; one that is being torn down already is answered as it is. Raises NotFoundError when it is gone."""
        with self._ledger.change(actor) as change:
            deployment = _living(change, ref)
            ending = undeployed(deployment, "undeploy", f"undeployed by {actor.name}", change.now_ns)
            if ending != deployment:
                change.rows.put_deployment(ending)
                _tell(change, ending, "deployment.tearing_down", reason="undeploy")
        return ending

    def show(self, actor: Actor, ref: str) -> Deployment:
        """Also a gone one, by its id. Raises NotFoundError."""
        with self._ledger.reading() as reading:
            return deployment_of(reading, actor, ref)

    def list(self, actor: Actor, *, gone: bool = False) -> Sequence[Deployment]:
        """Those that are not gone, newest first; with `gone` all."""
        with self._ledger.reading() as reading:
            seen = sees(reading, actor)
            return [deployment for deployment in reading.deployments(gone=gone) if seen(deployment.lease_id)]

    def events(self, actor: Actor, ref: str, *, after: int = 0, limit: int = 1000) -> Sequence[Event]:
        """What happened to a deployment, oldest first."""
        with self._ledger.reading() as reading:
            deployment_id = deployment_of(reading, actor, ref).id
            return reading.events(after, deployment_id=deployment_id, limit=max(1, min(limit, EVENTS_PER_REQUEST_MAX)))

    def _deploy(self, actor: Actor, backend_id: str, wish: Wish) -> Deployment:
        wanted = self._candidate(actor, backend_id)
        with self._ledger.change(actor) as change:
            _check_unmoved(change, wanted.backend)
            admitted, lease = admission.admit(change, wanted, wish)
            deployment = _row(change, wanted, wish, admitted, lease)
            change.rows.put_deployment(deployment)
            _reserve(change, wanted, admitted, deployment)
            _tell(change, deployment, "deployment.deploying", runtime=admitted.runtime.name)
        return deployment

    def _redeploy(self, actor: Actor, ref: str, backend_id: str, runtime: str | None, debug: bool | None) -> Deployment:
        wanted = self._candidate(actor, backend_id)
        with self._ledger.change(actor) as change:
            _check_unmoved(change, wanted.backend)
            deployment = _living(change, ref)
            accepted = deployment
            with wanted.reasons.collecting():
                accepted = redeployed(
                    deployment,
                    backend_seq=wanted.backend.head,
                    graph_hash=wanted.backend.graph_hash,
                    containers=len(wanted.requests),
                    runtime_id=deployment.runtime_id,
                    debug=deployment.debug if debug is None else debug,
                    now_ns=change.now_ns,
                )
            admitted = admission.readmit(change, wanted, deployment, runtime)
            accepted = _moved(accepted, admitted)
            change.rows.put_deployment(accepted)
            _reserve(change, wanted, admitted, accepted)
            data = {"runtime": admitted.runtime.name, "generation": accepted.generation}
            _tell(change, accepted, "deployment.redeploying", **data)
        return accepted

    def _candidate(self, actor: Actor, backend_id: str) -> Candidate:
        """Its backend is locked."""
        with self._ledger.reading() as reading:
            backend = backend_of(reading, actor, backend_id)
            head = self._heads.at(reading, backend)
        return admission.candidate(backend, head)

    def _tell_refused(self, actor: Actor, backend_id: str, error: DeployError) -> None:
        """No row, but an entry in the audit."""
        reasons = [{"code": detail.code, "message": detail.message, "subject": detail.subject} for detail in error.details]
        with self._ledger.change(actor) as change:
            data = {"code": error.code, "message": error.message, "details": reasons[:REFUSAL_REASONS_MAX]}
            change.tell("deployment.rejected", backend_id=backend_id, data=data)


def _living(change: Change, ref: str) -> Deployment:
    """Raises NotFoundError for a gone one."""
    deployment = deployment_of(change.rows, change.actor, ref, Permission.DEPLOY)
    if deployment.gone_at_ns is not None:
        raise NotFoundError(f"deployment {deployment.id} is gone")
    return deployment


def _check_unmoved(change: Change, backend: Backend) -> None:
    """The graph that is looked at is the one that will be pinned."""
    current = backend_of(change.rows, change.actor, backend.id)
    if (current.head, current.graph_hash) != (backend.head, backend.graph_hash):
        raise ConflictError(f"backend {backend.name} is being changed by another control plane; try again")


def _row(change: Change, wanted: Candidate, wish: Wish, admitted: Admitted, lease: Lease | None) -> Deployment:
    assert admitted.life is not None, "a new deployment has a lifetime"
    return Deployment(
        id=change.new_id("d"),
        backend_id=wanted.backend.id,
        backend_seq=wanted.backend.head,
        graph_hash=wanted.backend.graph_hash,
        runtime_id=admitted.runtime.id,
        status="deploying",
        containers=len(wanted.requests),
        debug=wish.debug,
        expires_at_ns=admitted.life.expires_at_ns,
        hard_deadline_ns=admitted.life.hard_deadline_ns,
        fixed_duration=wish.fixed_duration,
        startup_timeout_ns=admission.startup_timeout_ns(wish.startup_timeout),
        lease_id=None if lease is None else lease.id,
        created_by=change.actor.name,
        created_at_ns=change.now_ns,
        status_since_ns=change.now_ns,
    )


def _moved(deployment: Deployment, admitted: Admitted) -> Deployment:
    life = admitted.life
    if life is None:
        return deployment
    runtime_id = admitted.runtime.id
    return replace(deployment, runtime_id=runtime_id, expires_at_ns=life.expires_at_ns, hard_deadline_ns=life.hard_deadline_ns)


def _reserve(change: Change, wanted: Candidate, admitted: Admitted, deployment: Deployment) -> None:
    for container in admission.reservation(change, wanted, admitted.placement, deployment.id, deployment.generation):
        change.rows.put_container(container)


def _tell(change: Change, deployment: Deployment, event: str, **data: object) -> None:
    change.tell(event, backend_id=deployment.backend_id, deployment_id=deployment.id, lease_id=deployment.lease_id, data=data)
