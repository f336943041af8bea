"""Which node each vertex of a graph goes to: all of them, or none and every reason why.

First-fit-decreasing: the largest requests first, each onto the first node with room. Not optimal (bin packing is hard), but
within a fifth of it, and the same graph on the same free capacity always lands the same way.

Capacity is what containers reserve. While a redeploy prepares new containers beside the old ones, both together count as the
larger of the two: the old ones go before the new ones work. A container that has exited for good reserves nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pie_deploy.domain.manifest import ComponentManifest
from pie_deploy.domain.quantity import parse_bytes
from pie_deploy.domain.records import Container, Node, Runtime
from pie_deploy.errors import Detail, PlacementError, RuntimeClassError, RuntimeFullError, RuntimeLockedError
from pie_deploy.limits import PLACEMENT_REASONS_MAX, TRANSFORMATION_CPU, TRANSFORMATION_MEMORY_BYTES

_CPU_SLACK = 1e-9
"""Sums of tenths of cores are not exact in binary."""


@dataclass(frozen=True, slots=True)
class Amount:
    """Of what a node has."""

    cpu: float = 0.0
    memory_bytes: int = 0
    gpu: int = 0

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.cpu + other.cpu, self.memory_bytes + other.memory_bytes, self.gpu + other.gpu)

    def __sub__(self, other: "Amount") -> "Amount":
        return Amount(self.cpu - other.cpu, self.memory_bytes - other.memory_bytes, self.gpu - other.gpu)

    def __str__(self) -> str:
        gpu = f", {self.gpu} GPU" if self.gpu else ""
        return f"{max(self.cpu, 0):.4g} cores, {max(self.memory_bytes, 0) / (1 << 20):.4g} MiB{gpu}"

    def fits(self, room: "Amount") -> bool:
        return self.cpu <= room.cpu + _CPU_SLACK and self.memory_bytes <= room.memory_bytes and self.gpu <= room.gpu

    def joined(self, other: "Amount") -> "Amount":
        """The larger of each."""
        return Amount(max(self.cpu, other.cpu), max(self.memory_bytes, other.memory_bytes), max(self.gpu, other.gpu))


@dataclass(frozen=True, slots=True)
class Request:
    """What one vertex needs."""

    vertex: str
    amount: Amount
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Placement:
    nodes: Mapping[str, str]
    """Node id by vertex."""


def request_of(vertex: str, manifest: ComponentManifest | None) -> Request:
    """What a vertex asks for: its component's resources; next to nothing for a transformation (no manifest).

    Raises InvalidArgumentError for a memory amount that is none.
    """
    if manifest is None:
        return Request(vertex, Amount(TRANSFORMATION_CPU, TRANSFORMATION_MEMORY_BYTES))
    resources = manifest.worker.resources
    return Request(vertex, Amount(resources.cpu, parse_bytes(resources.memory), resources.gpu), resources.labels)


def in_use(containers: Iterable[Container]) -> dict[str, Amount]:
    """What is reserved, by node id."""
    by_generation: dict[tuple[str, str, int], Amount] = {}
    for container in containers:
        if container.state != "exited":
            key = (container.node_id, container.deployment_id, container.generation)
            by_generation[key] = by_generation.get(key, Amount()) + reserved(container)
    by_deployment: dict[tuple[str, str], Amount] = {}
    for (node_id, deployment_id, _), amount in by_generation.items():
        joined = by_deployment.get((node_id, deployment_id), Amount()).joined(amount)
        by_deployment[node_id, deployment_id] = joined
    by_node: dict[str, Amount] = {}
    for (node_id, _), amount in by_deployment.items():
        by_node[node_id] = by_node.get(node_id, Amount()) + amount
    return by_node


def reserved(container: Container) -> Amount:
    return Amount(container.cpu, container.memory_bytes, container.gpu)


def capacity(node: Node) -> Amount:
    return Amount(node.cpu, node.memory_bytes, node.gpu)


def place(requests: Sequence[Request], runtime: Runtime, used: Mapping[str, Amount], now_ns: int) -> Placement:
    """A node for every request. `used` is what others reserve, by node id.

    Raises RuntimeLockedError, RuntimeClassError or RuntimeFullError, the first of them that applies; `details` has every reason.
    """
    closed, unmatched = _closed(runtime, now_ns), [*_class_mismatches(requests, runtime)]
    nodes, full = _first_fit(requests, runtime, used)
    for error, reasons in ((RuntimeLockedError, closed), (RuntimeClassError, unmatched), (RuntimeFullError, full)):
        if reasons:
            raise _refusal(error, runtime, [*closed, *unmatched, *full])
    return Placement(nodes)


def _refusal(error: type[PlacementError], runtime: Runtime, reasons: list[Detail]) -> PlacementError:
    more = f" (and {len(reasons) - 1} more reasons)" if len(reasons) > 1 else ""
    message = f"runtime {runtime.name} cannot take the graph: {reasons[0].message}{more}"
    return error(message, reasons[:PLACEMENT_REASONS_MAX])


def _closed(runtime: Runtime, now_ns: int) -> list[Detail]:
    expired = runtime.expires_at_ns is not None and runtime.expires_at_ns <= now_ns
    states = (("locked", runtime.locked), ("draining", runtime.draining), ("expired", expired))
    return [
        Detail(code="runtime_locked", message=f"the runtime is {word}", subject=runtime.name) for word, holds in states if holds
    ]


def _class_mismatches(requests: Sequence[Request], runtime: Runtime) -> Iterable[Detail]:
    gpus = max((node.gpu for node in _usable(runtime)), default=0)
    for request in requests:
        for label in request.labels:
            if label not in runtime.labels:
                message = (
                    f"vertex {request.vertex} needs the label {label!r}, the runtime has {', '.join(runtime.labels) or 'none'}"
                )
                yield Detail(code=RuntimeClassError.code, message=message, subject=request.vertex)
                break
        if request.amount.gpu > gpus:
            message = f"vertex {request.vertex} needs {request.amount.gpu} GPU, the largest node has {gpus}"
            yield Detail(code=RuntimeClassError.code, message=message, subject=request.vertex)


def _first_fit(requests: Sequence[Request], runtime: Runtime, used: Mapping[str, Amount]) -> tuple[dict[str, str], list[Detail]]:
    room = {node.id: capacity(node) - used.get(node.id, Amount()) for node in _usable(runtime)}
    placed: dict[str, str] = {}
    reasons: list[Detail] = []
    for request in sorted(requests, key=_size, reverse=True):
        node_id = next((node_id for node_id, free in room.items() if request.amount.fits(free)), None)
        if node_id is None:
            reasons.append(_no_room(request, room))
        else:
            room[node_id] -= request.amount
            placed[request.vertex] = node_id
    return placed, reasons


def _no_room(request: Request, room: Mapping[str, Amount]) -> Detail:
    left = "; ".join(f"{node_id} has {free} left" for node_id, free in list(room.items())[:3]) or "the runtime has no node"
    message = f"no room for vertex {request.vertex}, which needs {request.amount}: {left}"
    return Detail(code=RuntimeFullError.code, message=message, subject=request.vertex)


def _size(request: Request) -> tuple[int, int, float, str]:
    """The scarcest resource first; the name makes the order total."""
    return request.amount.gpu, request.amount.memory_bytes, request.amount.cpu, request.vertex


def _usable(runtime: Runtime) -> list[Node]:
    return [node for node in runtime.nodes if node.lost_since_ns is None]
