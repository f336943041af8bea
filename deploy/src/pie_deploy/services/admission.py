"""Whether a graph may be deployed now, where, and what is reserved for it there. Reads and decides; writes nothing."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from pie_deploy.domain.completeness import check_complete
from pie_deploy.domain.deployment import is_locking
from pie_deploy.domain.duration import format_duration, parse_duration
from pie_deploy.domain.graph import Graph
from pie_deploy.domain.head import Head
from pie_deploy.domain.placement import Placement, Request, in_use, place, request_of
from pie_deploy.domain.records import Backend, Container, Lease, Runtime
from pie_deploy.errors import (
    DeploymentLiveError,
    Detail,
    ForbiddenError,
    InvalidArgumentError,
    LeaseOwnershipError,
    PlacementError,
    RuntimeFullError,
)
from pie_deploy.limits import SECRET_BYTES, STARTUP_TIMEOUT_MAX_NS, STARTUP_TIMEOUT_NS
from pie_deploy.ports.store import Reading
from pie_deploy.services.actor import Actor
from pie_deploy.services.ledger import Change
from pie_deploy.services.lookup import foreign, lease_of, may_see, runtime_of
from pie_deploy.services.resolution import versions_of


@dataclass(frozen=True, slots=True)
class Candidate:
    """A graph that somebody wants to see running."""

    backend: Backend
    graph: Graph
    requests: tuple[Request, ...]
    """One per vertex."""


def candidate(backend: Backend, head: Head) -> Candidate:
    """Raises NotFoundError when a component version is gone."""
    graph = head.graph()
    requests = tuple(request_of(name, head.shape(name).manifest) for name in graph.vertices)
    return Candidate(backend, graph, requests)


def check_graph(wanted: Candidate, head: Head) -> None:
    """Raises GraphIncompleteError, SketchPresentError."""
    check_complete(wanted.graph, head.shapes, head.files)


def check_visible(reading: Reading, actor: Actor, graph: Graph) -> None:
    """Raises ForbiddenError, with every vertex that runs somebody else's prerelease."""
    vertices = versions_of(graph)
    versions = {id_: reading.find_version(id_) for id_ in set(vertices.values())}
    hidden = [name for name, id_ in vertices.items() if (version := versions[id_]) is not None and not may_see(actor, version)]
    if hidden:
        details = [
            Detail(code=ForbiddenError.code, message=f"vertex {name} runs a prerelease of somebody else", subject=name)
            for name in hidden
        ]
        raise ForbiddenError(details[0].message, details)


def check_free(reading: Reading, backend: Backend) -> None:
    """R01. Raises DeploymentLiveError."""
    deployment = reading.deployment_of(backend.id)
    if deployment is not None:
        do = "wait for it, or fork the backend" if is_locking(deployment) else "redeploy or undeploy it"
        raise DeploymentLiveError(f"backend {backend.name} has deployment {deployment.id} already ({deployment.status}); {do}")


def owning_lease(reading: Reading, actor: Actor, backend: Backend, lease_id: str | None) -> Lease | None:
    """The lease that will own the deployment: the given one, or the backend's. Whether it is open, its caller asks.

    Raises NotFoundError, ForbiddenError, LeaseOwnershipError.
    """
    if backend.lease_id is not None and lease_id not in (None, backend.lease_id):
        raise foreign("backend", backend.id, backend.lease_id)
    owner = lease_id or backend.lease_id
    return None if owner is None else lease_of(reading, actor, owner)


def startup_timeout_ns(text: str | None) -> int:
    """Raises InvalidArgumentError."""
    if text is None:
        return STARTUP_TIMEOUT_NS
    timeout_ns = parse_duration(text)
    if not 0 < timeout_ns <= STARTUP_TIMEOUT_MAX_NS:
        raise InvalidArgumentError(f"a start-up time-out is above 0 and at most {format_duration(STARTUP_TIMEOUT_MAX_NS)}")
    return timeout_ns


def chosen_runtime(
    reading: Reading, wanted: Candidate, ref: str | None, lease: Lease | None, now_ns: int
) -> tuple[Runtime, Placement]:
    """The runtime that was asked for, that of the lease, or the only one that is open and of the right class; and who goes
    where on it.

    Raises NotFoundError, LeaseOwnershipError (the lease is for another runtime), PlacementError, InvalidArgumentError (several
    could).
    """
    bound = None if lease is None else lease.runtime_id
    ref = ref or bound
    runtime = _only_eligible(reading, wanted, now_ns) if ref is None else runtime_of(reading, ref)
    if lease is not None and bound not in (None, runtime.id):
        raise other_runtime(lease, runtime.id)
    return runtime, placed(reading, wanted, runtime, now_ns)


def other_runtime(lease: Lease, runtime_id: str) -> LeaseOwnershipError:
    return LeaseOwnershipError(f"lease {lease.id} is for runtime {lease.runtime_id}, not {runtime_id}")


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
