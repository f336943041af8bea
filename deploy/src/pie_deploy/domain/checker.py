"""What must hold of the platform at every moment, and what must hold once it has come to rest: a list of everything that does not.

The same checker runs after every step of the simulation and behind `pie status`. It repairs nothing and knows nothing of how things
came to be; it only compares rows, processes and routes with each other.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pie_deploy.domain.deployment import is_current, serving_generation
from pie_deploy.domain.observation import Process
from pie_deploy.domain.placement import capacity, in_use
from pie_deploy.domain.records import Backend, Container, Deployment, Lease, Runtime
from pie_deploy.errors import Detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """Everything there is."""

    backends: Sequence[Backend] = ()
    deployments: Sequence[Deployment] = ()
    """Those that are not gone."""
    containers: Sequence[Container] = ()
    """Of those deployments."""
    runtimes: Sequence[Runtime] = ()
    leases: Sequence[Lease] = ()
    """Those that are not closed: only they may own something."""
    vertices: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Names in the recorded graph, by deployment id; only where it is known and locked."""
    finite: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Vertices whose containers may end, by deployment id."""
    processes: Mapping[str, Process] = field(default_factory=dict)
    """By container id."""
    serving: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Containers that the gateway sends callers to, by backend id."""


def problems(inventory: Inventory, now_ns: int, *, at_rest: bool = False) -> list[Detail]:
    """Everything that does not hold, in a stable order. at_rest: nothing is under way and nothing was changed since."""
    found = [*_of_backends(inventory), *_of_deployments(inventory), *_of_containers(inventory)]
    found += [*_of_processes(inventory), *_of_capacity(inventory), *_of_leases(inventory)]
    if at_rest:
        found += [*_unrest(inventory, now_ns), *_of_routes(inventory)]
    return found


def _of_backends(inventory: Inventory) -> Iterator[Detail]:
    """R01: at most one deployment each; and each deployment has its backend and runtime."""
    counts = Counter(deployment.backend_id for deployment in inventory.deployments)
    for backend_id, count in sorted(counts.items()):
        if count > 1:
            yield _problem("doubled_deployment", backend_id, f"{count} deployments that are not gone")
    backends = {backend.id for backend in inventory.backends}
    runtimes = {runtime.id for runtime in inventory.runtimes}
    for deployment in inventory.deployments:
        if deployment.backend_id not in backends:
            yield _problem("lost_backend", deployment.id, f"its backend {deployment.backend_id} is gone")
        if deployment.runtime_id not in runtimes:
            yield _problem("lost_runtime", deployment.id, f"its runtime {deployment.runtime_id} is gone")


def _of_deployments(inventory: Inventory) -> Iterator[Detail]:
    by_deployment = _by_deployment(inventory.containers)
    for deployment in inventory.deployments:
        containers = by_deployment.get(deployment.id, [])
        if deployment.hard_deadline_ns is not None and (deployment.expires_at_ns or 0) > deployment.hard_deadline_ns:
            yield _problem("late_expiry", deployment.id, "it expires after its hard deadline")
        if deployment.status == "running" and deployment.started_at_ns is None:
            yield _problem("never_started", deployment.id, "it is running and never started")
        if deployment.redeploying and deployment.status != "running":
            yield _problem("bad_redeploy", deployment.id, f"it redeploys while {deployment.status}")
        if deployment.status in ("deploying", "running"):
            yield from _of_readiness(deployment, containers, inventory.finite.get(deployment.id, frozenset()))
            yield from _of_shape(deployment, containers, inventory.vertices.get(deployment.id))


def _of_readiness(deployment: Deployment, containers: list[Container], finite: frozenset[str]) -> Iterator[Detail]:
    serving = [row for row in containers if row.generation == serving_generation(deployment)]
    ready = sum(row.state == "ready" or (row.vertex in finite and row.state == "exited") for row in serving)
    if deployment.containers_ready != ready:
        yield _problem("wrong_count", deployment.id, f"it counts {deployment.containers_ready} containers ready, {ready} are")
    if deployment.status == "running" and ready < len(serving) and deployment.status_reason != "container_restarting":
        yield _problem("silent_restart", deployment.id, "not all its containers are ready, and it does not say so")


def _of_shape(deployment: Deployment, containers: list[Container], vertices: frozenset[str] | None) -> Iterator[Detail]:
    """R04, R21: one container per vertex of the recorded graph, in each generation that serves or is to serve."""
    for generation in sorted({serving_generation(deployment), deployment.generation}):
        names = Counter(row.vertex for row in containers if row.generation == generation)
        if (doubled := sorted(name for name, count in names.items() if count > 1)) != []:
            yield _problem("doubled_container", deployment.id, f"generation {generation} has two containers of {doubled}")
        if vertices is not None and names.keys() != vertices:
            unlike = sorted(names.keys() ^ vertices)
            yield _problem("wrong_shape", deployment.id, f"generation {generation} and the graph differ in {unlike}")


def _of_containers(inventory: Inventory) -> Iterator[Detail]:
    deployments = {deployment.id: deployment for deployment in inventory.deployments}
    for row in inventory.containers:
        deployment = deployments.get(row.deployment_id)
        if deployment is None:
            yield _problem("lost_deployment", row.id, f"its deployment {row.deployment_id} is gone")
        elif row.generation > deployment.generation:
            yield _problem("future_container", row.id, f"it is of generation {row.generation}, which there is not yet")
        if row.state == "backoff" and row.retry_at_ns is None:
            yield _problem("stuck_backoff", row.id, "it waits for nothing")
        if row.config_seq_applied > row.config_seq_wanted:
            yield _problem("future_config", row.id, "it has configuration that nobody wanted")


def _of_processes(inventory: Inventory) -> Iterator[Detail]:
    rows = {row.id: row for row in inventory.containers}
    for container_id, process in sorted(inventory.processes.items()):
        row = rows.get(container_id)
        if row is None:
            if process.running:
                yield _problem("stray_process", container_id, "it runs, and nothing is written down of it")
        elif process.incarnation > row.restarts + 1:
            yield _problem("doubled_start", container_id, f"incarnation {process.incarnation} after {row.restarts} restarts")


def _of_capacity(inventory: Inventory) -> Iterator[Detail]:
    used = in_use(inventory.containers)
    for runtime in inventory.runtimes:
        for node in runtime.nodes:
            amount = used.get(node.id)
            if amount is not None and node.lost_since_ns is None and not amount.fits(capacity(node)):
                yield _problem("overfull_node", node.id, f"{amount} are reserved, it has {capacity(node)}")


def _of_leases(inventory: Inventory) -> Iterator[Detail]:
    owners = {lease.id for lease in inventory.leases}
    owned: list[Deployment | Backend] = [*inventory.deployments, *inventory.backends]
    for row in owned:
        if row.lease_id is not None and row.lease_id not in owners:
            yield _problem("leaked", row.id, f"it belongs to lease {row.lease_id}, which is closed")


def _unrest(inventory: Inventory, now_ns: int) -> Iterator[Detail]:
    """What a platform at rest does not have."""
    rows = {row.id: row for row in inventory.containers}
    deployments = {deployment.id: deployment for deployment in inventory.deployments}
    for deployment in inventory.deployments:
        if deployment.status == "tearing_down":
            yield _problem("stuck_teardown", deployment.id, "it is being torn down and nothing happens")
        if deployment.expires_at_ns is not None and now_ns >= deployment.expires_at_ns:
            yield _problem("outlived", deployment.id, "its time is over")
    for container_id, process in sorted(inventory.processes.items()):
        row = rows.get(container_id)
        if row is None:
            yield _problem("left_over", container_id, "its launcher still has it")
        elif process.running and not _may_run(deployments[row.deployment_id], row):
            yield _problem("unwanted_process", container_id, f"it runs, and is {row.state}")
    for row in inventory.containers:
        current = inventory.processes.get(row.id)
        if row.state == "ready" and (current is None or not current.running):
            yield _problem("phantom", row.id, "it is said to be ready, and does not run")


def _may_run(deployment: Deployment, row: Container) -> bool:
    return deployment.status in ("deploying", "running") and is_current(deployment, row)


def _of_routes(inventory: Inventory) -> Iterator[Detail]:
    """R26: callers are sent to containers of running deployments, and to those that are ready."""
    rows = {row.id: row for row in inventory.containers}
    running = {one.backend_id: one for one in inventory.deployments if one.status == "running"}
    for backend_id, container_ids in sorted(inventory.serving.items()):
        for container_id in sorted(container_ids):
            row, deployment = rows.get(container_id), running.get(backend_id)
            if row is None or deployment is None or row.generation != serving_generation(deployment):
                yield _problem("wrong_route", container_id, f"callers of {backend_id} are sent to it")
            elif row.state != "ready":
                yield _problem("dead_route", container_id, f"callers are sent to it, and it is {row.state}")


def _by_deployment(containers: Iterable[Container]) -> dict[str, list[Container]]:
    found: dict[str, list[Container]] = {}
    for container in containers:
        found.setdefault(container.deployment_id, []).append(container)
    return found


def _problem(code: str, subject: str, message: str) -> Detail:
    return Detail(code=code, message=f"{subject}: {message}", subject=subject)
