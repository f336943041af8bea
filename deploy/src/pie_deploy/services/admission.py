"""Whether a graph may be deployed now, where, and what is reserved for it there. Reads and decides; writes nothing.

What speaks against it is collected, so that one refusal tells every reason.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from pie_deploy.domain.completeness import check_complete
from pie_deploy.domain.duration import format_duration, parse_duration
from pie_deploy.domain.expiry import Lifetime, lifetime, moved
from pie_deploy.domain.graph import Graph
from pie_deploy.domain.head import Head
from pie_deploy.domain.lease import check_open
from pie_deploy.domain.placement import Placement, Request, in_use, place, request_of
from pie_deploy.domain.records import Backend, Container, Deployment, Lease, Runtime
from pie_deploy.errors import (
    DeploymentLiveError,
    Detail,
    ForbiddenError,
    InvalidArgumentError,
    LeaseOwnershipError,
    NotFoundError,
    PlacementError,
    RuntimeFullError,
)
from pie_deploy.limits import SECRET_BYTES, STARTUP_TIMEOUT_MAX_NS, STARTUP_TIMEOUT_NS
from pie_deploy.ports.store import Reading
from pie_deploy.services.actor import Actor
from pie_deploy.services.ledger import Change
from pie_deploy.services.lookup import foreign, lease_of, may_see, runtime_of
from pie_deploy.services.refusal import Reasons
from pie_deploy.services.resolution import versions_of


@dataclass(frozen=True, slots=True)
class Wish:
    """What the caller asked for."""

    runtime: str | None = None
    debug: bool = False
    fixed_duration: str | None = None
    startup_timeout: str | None = None
    lease: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A graph that somebody wants to see running."""

    backend: Backend
    graph: Graph
    requests: tuple[Request, ...]
    """One per vertex."""
    reasons: Reasons
    """What is known to speak against it."""


@dataclass(frozen=True, slots=True)
class Admitted:
    runtime: Runtime
    placement: Placement
    life: Lifetime | None
    """None: it stays what it is."""


def candidate(backend: Backend, head: Head) -> Candidate:
    """Takes the time of the graph: ask before the store's writer is taken. Raises GraphIncompleteError when a component version is
    gone; other reasons are collected.
    """
    reasons = Reasons()
    graph = head.graph()
    with reasons.collecting():
        check_complete(graph, head.shapes, head.files)
    try:
        requests = tuple(request_of(name, head.shape(name).manifest) for name in graph.vertices)
    except NotFoundError:
        reasons.check()
        raise
    return Candidate(backend, graph, requests, reasons)


def admit(change: Change, wanted: Candidate, wish: Wish) -> tuple[Admitted, Lease | None]:
    """Where a new deployment goes, for how long, and which lease owns it. Raises what speaks against it."""
    rows, actor, reasons = change.rows, change.actor, wanted.reasons
    lease = runtime = life = None
    placement = Placement({})
    with reasons.collecting():
        startup_timeout_ns(wish.startup_timeout)
    with reasons.collecting():
        _check_free(rows, wanted.backend)
    with reasons.collecting():
        lease = _owning_lease(change, wanted.backend, wish.lease)
    with reasons.collecting():
        _check_visible(rows, actor, wanted.graph)
    with reasons.collecting():
        runtime = _chosen_runtime(change, wanted, wish.runtime, lease)
        with reasons.collecting():
            life = lifetime(runtime, wish.fixed_duration, change.now_ns)
        placement = placed(rows, wanted, runtime, change.now_ns)
    reasons.check()
    assert runtime is not None and life is not None, "nothing speaks against it"
    return Admitted(runtime, placement, life), lease


def readmit(change: Change, wanted: Candidate, deployment: Deployment, runtime_ref: str | None) -> Admitted:
    """Where the next generation of a deployment goes. Raises what speaks against it."""
    rows, reasons = change.rows, wanted.reasons
    runtime = runtime_of(rows, runtime_ref or deployment.runtime_id)
    stays = runtime.id == deployment.runtime_id
    life, placement = None, Placement({})
    with reasons.collecting():
        _check_lease_allows(change, deployment, runtime)
    with reasons.collecting():
        _check_visible(rows, change.actor, wanted.graph)
    with reasons.collecting():
        life = None if stays else moved(deployment, runtime, change.now_ns)
    with reasons.collecting():
        # A locked runtime takes no new deployments; this one is not new where it is.
        open_to_it = replace(runtime, locked=runtime.locked and not stays)
        placement = placed(rows, wanted, open_to_it, change.now_ns, without=deployment.id)
    reasons.check()
    return Admitted(runtime, placement, life)


def startup_timeout_ns(text: str | None) -> int:
    """Raises InvalidArgumentError."""
    if text is None:
        return STARTUP_TIMEOUT_NS
    timeout_ns = parse_duration(text)
    if not 0 < timeout_ns <= STARTUP_TIMEOUT_MAX_NS:
        raise InvalidArgumentError(f"a start-up time-out is above 0 and at most {format_duration(STARTUP_TIMEOUT_MAX_NS)}")
    return timeout_ns


def placed(reading: Reading, wanted: Candidate, runtime: Runtime, now_ns: int, *, without: str | None = None) -> Placement:
    """Who goes where; what the deployment `without` has reserved counts as free. Raises PlacementError with every reason."""
    others = (container for container in reading.containers() if container.deployment_id != without)
    return place(wanted.requests, runtime, in_use(others), now_ns)


def reservation(
    change: Change, wanted: Candidate, placement: Placement, deployment_id: str, generation: int
) -> Sequence[Container]:
    """The containers of a generation, with what each has reserved."""
    return [
        Container(
            id=change.new_id("c"),
            deployment_id=deployment_id,
            vertex=request.vertex,
            generation=generation,
            node_id=placement.nodes[request.vertex],
            state="pending",
            secret=secrets.token_urlsafe(SECRET_BYTES),
            cpu=request.amount.cpu,
            memory_bytes=request.amount.memory_bytes,
            gpu=request.amount.gpu,
            created_at_ns=change.now_ns,
        )
        for request in wanted.requests
    ]


def _check_visible(reading: Reading, actor: Actor, graph: Graph) -> None:
    """Raises ForbiddenError, with every vertex that runs somebody else's prerelease."""
    vertices = versions_of(graph)
    versions = {id_: reading.find_version(id_) for id_ in set(vertices.values())}
    unseen = {id_ for id_, version in versions.items() if version is not None and not may_see(reading, actor, version)}
    hidden = [name for name, id_ in vertices.items() if id_ in unseen]
    if hidden:
        details = [
            Detail(code=ForbiddenError.code, message=f"vertex {name} runs a prerelease of somebody else", subject=name)
            for name in hidden
        ]
        raise ForbiddenError(details[0].message, details)


def _check_free(reading: Reading, backend: Backend) -> None:
    """R01. Raises DeploymentLiveError."""
    deployment = reading.deployment_of(backend.id)
    if deployment is not None:
        moves = deployment.status in ("deploying", "tearing_down")
        do = "wait for it, or fork the backend" if moves else "redeploy or undeploy it, or fork the backend"
        raise DeploymentLiveError(f"backend {backend.name} has deployment {deployment.id} already ({deployment.status}); {do}")


def _owning_lease(change: Change, backend: Backend, lease_id: str | None) -> Lease | None:
    """The lease that will own the deployment: the given one, or the backend's. Raises NotFoundError, ForbiddenError,
    LeaseOwnershipError, LeaseClosedError.
    """
    if backend.lease_id is not None and lease_id not in (None, backend.lease_id):
        raise foreign("backend", backend.id, backend.lease_id)
    owner = lease_id or backend.lease_id
    if owner is None:
        return None
    lease = lease_of(change.rows, change.actor, owner)
    check_open(lease, change.now_ns)
    return lease


def _check_lease_allows(change: Change, deployment: Deployment, runtime: Runtime) -> None:
    """A deployment inside a lease stays on the lease's runtime, and is not renewed once the lease is closed."""
    if deployment.lease_id is None:
        return
    lease = lease_of(change.rows, change.actor, deployment.lease_id)
    check_open(lease, change.now_ns)
    _check_bound(lease, runtime)


def _check_bound(lease: Lease, runtime: Runtime) -> None:
    if lease.runtime_id not in (None, runtime.id):
        raise LeaseOwnershipError(f"lease {lease.id} is for runtime {lease.runtime_id}, not {runtime.id}")


def _chosen_runtime(change: Change, wanted: Candidate, ref: str | None, lease: Lease | None) -> Runtime:
    """The runtime that was asked for, that of the lease, or the only one that is open and of the right class.

    Raises NotFoundError, LeaseOwnershipError (the lease is for another runtime), PlacementError, InvalidArgumentError (several
    could).
    """
    ref = ref or (None if lease is None else lease.runtime_id)
    runtime = _only_eligible(change.rows, wanted, change.now_ns) if ref is None else runtime_of(change.rows, ref)
    if lease is not None:
        _check_bound(lease, runtime)
    return runtime


def _only_eligible(reading: Reading, wanted: Candidate, now_ns: int) -> Runtime:
    """A full runtime is eligible: that there is no room is for the caller to know, not a reason to go elsewhere unasked."""
    eligible: list[Runtime] = []
    refusals: list[PlacementError] = []
    for runtime in reading.runtimes():
        try:
            place(wanted.requests, runtime, {}, now_ns)
            eligible.append(runtime)
        except RuntimeFullError:
            eligible.append(runtime)
        except PlacementError as error:
            refusals.append(error)
    if len(eligible) == 1:
        return eligible[0]
    if eligible:
        names = ", ".join(runtime.name for runtime in eligible)
        raise InvalidArgumentError(f"there are several runtimes for this graph; name one of {names}")
    if len(refusals) == 1:
        raise refusals[0]
    details = [detail for refusal in refusals for detail in refusal.details]
    raise PlacementError("no runtime can take the graph" if refusals else "there is no runtime", details)
