"""What is written down, read in one go. Objects stay the same between two snapshots where nothing has changed, so that whoever
compares them compares identities, and a step costs what has changed, not what there is.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from pie_deploy.controller.facts import Facts, facts_of
from pie_deploy.controller.graphs import Graphs, concerns_endpoints
from pie_deploy.domain.plan import Desired
from pie_deploy.domain.records import Backend, Container, Deployment, Lease, Runtime
from pie_deploy.domain.shape import Manifests
from pie_deploy.domain.upkeep import Traits
from pie_deploy.ports.store import Reading, Store

_log = logging.getLogger(__name__)
_NO_TRAITS: Mapping[str, Traits] = {}


@dataclass(frozen=True, slots=True)
class Snapshot:
    backends: Mapping[str, Backend] = field(default_factory=dict)
    desired: Mapping[str, Desired] = field(default_factory=dict)
    """By deployment id."""
    by_backend: Mapping[str, Desired] = field(default_factory=dict)
    facts: Mapping[str, Facts] = field(default_factory=dict)
    """By backend id."""
    runtimes: Mapping[str, Runtime] = field(default_factory=dict)
    leases: Sequence[Lease] = ()
    containers: Mapping[str, Container] = field(default_factory=dict)
    """By id; also of deployments that cannot be looked after now."""

    def runtime_of(self, container: Container) -> Runtime | None:
        """Where the container is: a redeploy may move its deployment elsewhere, and it stays until it goes."""
        found = (runtime for runtime in self.runtimes.values() for node in runtime.nodes if node.id == container.node_id)
        return next(found, None)

    def desired_of(self, container_id: str) -> Desired | None:
        container = self.containers.get(container_id)
        return None if container is None else self.desired.get(container.deployment_id)


class Snapshots:
    """Reads snapshots from the store; used by one thread at a time."""

    def __init__(self, store: Store, graphs: Graphs, manifests: Manifests, mac_key: bytes) -> None:
        self._store = store
        self._graphs = graphs
        self._manifests = manifests
        self._mac_key = mac_key
        self._last = Snapshot()

    def read(self) -> Snapshot:
        """Raises StorageError."""
        with self._store.reading() as reading:
            self._last = self._read(reading)
        return self._last

    def _read(self, reading: Reading) -> Snapshot:
        rows = reading.deployments()
        by_deployment: dict[str, list[Container]] = {row.id: [] for row in rows}
        for container in reading.containers():
            if container.deployment_id in by_deployment:
                by_deployment[container.deployment_id].append(container)
        runtimes = {runtime.id: _same(self._last.runtimes.get(runtime.id), runtime) for runtime in reading.runtimes()}
        backends = {backend.id: backend for backend in reading.backends()}
        deployed = {row.backend_id for row in rows}
        facts = {}
        for backend in backends.values():
            known = self._facts(reading, backend, backend.id in deployed)
            if known is not None:
                facts[backend.id] = known
        desired = {}
        for row in rows:
            one = self._desired(row, tuple(by_deployment[row.id]), runtimes, facts)
            if one is not None:
                desired[row.id] = one
        containers = {container.id: container for found in by_deployment.values() for container in found}
        by_backend = {one.deployment.backend_id: one for one in desired.values()}
        return Snapshot(backends, desired, by_backend, facts, runtimes, reading.leases(), containers)

    def _desired(
        self, row: Deployment, containers: tuple[Container, ...], runtimes: Mapping[str, Runtime], facts: Mapping[str, Facts]
    ) -> Desired | None:
        known = facts.get(row.backend_id)
        runtime = runtimes.get(row.runtime_id)
        if runtime is None or (known is None and row.status in ("deploying", "running")):
            return None  # said in the log where it was found
        traits = known.traits if known is not None else _NO_TRAITS
        last = self._last.desired.get(row.id)
        if last is None:
            return Desired(deployment=row, containers=containers, runtime=runtime, traits=traits)
        is_same = last.runtime is runtime and last.traits is traits and last.deployment == row and last.containers == containers
        return last if is_same else Desired(deployment=row, containers=containers, runtime=runtime, traits=traits)

    def _facts(self, reading: Reading, backend: Backend, is_deployed: bool) -> Facts | None:
        last = self._last.facts.get(backend.id)
        if last is not None and last.is_deployed == is_deployed:
            if (last.head, last.graph_hash) == (backend.head, backend.graph_hash):
                return last
            if self._is_untouched(reading, backend, last):
                return replace(last, head=backend.head, graph_hash=backend.graph_hash)
        try:
            mirror = self._graphs.at_head(reading, backend)
            return facts_of(mirror, self._manifests, self._mac_key, is_deployed=is_deployed)
        except Exception:  # one log that cannot be read must not stop everything else
            _log.exception("the log of backend %s cannot be replayed", backend.id)
            return last

    def _is_untouched(self, reading: Reading, backend: Backend, last: Facts) -> bool:
        """Whether what is new in the log of a backend without a deployment changes nothing that is known of it."""
        if last.is_deployed or last.head == 0 or backend.head <= last.head or self._graphs.has(backend.id):
            return False
        first, *new = reading.operations(backend.id, last.head - 1)
        return first.graph_hash == last.graph_hash and not any(map(concerns_endpoints, new))


def _same(last: Runtime | None, now: Runtime) -> Runtime:
    return last if last is not None and last == now else now
