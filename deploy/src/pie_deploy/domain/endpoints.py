"""The endpoints of a graph: which there are, under which role, and where answers come from."""

from collections.abc import Iterator
from dataclasses import dataclass

from pie_deploy.domain.graph import Graph
from pie_deploy.domain.manifest import Endpoint
from pie_deploy.domain.shape import Shapes


@dataclass(frozen=True, slots=True)
class GraphEndpoint:
    vertex: str
    name: str
    declared: Endpoint
    role: str | None
    """None: not published."""
    rotation: int


def endpoints(graph: Graph, shapes: Shapes) -> Iterator[GraphEndpoint]:
    """All, published or not, in the order of vertices and manifests."""
    for vertex in graph.vertices.values():
        for name, declared in shapes(vertex.source, vertex.parameters).endpoints.items():
            key = (vertex.name, name)
            yield GraphEndpoint(*key, declared, graph.aliases.get(key), graph.rotations.get(key, 0))


def reaching(graph: Graph, shapes: Shapes, egress: str) -> set[str]:
    """The vertices whose values can get to an egress of that name, their own or one downstream.

    A responding ingress waits for one: whichever has the value with the request's id first gives the answer.
    """
    preceding: dict[str, list[str]] = {}
    for edge in graph.edges:
        preceding.setdefault(edge.input.vertex, []).append(edge.output.vertex)
    found = {endpoint.vertex for endpoint in endpoints(graph, shapes) if _is_egress(endpoint, egress)}
    waiting = list(found)
    while waiting:
        for vertex in preceding.get(waiting.pop(), ()):
            if vertex not in found:
                found.add(vertex)
                waiting.append(vertex)
    return found


def _is_egress(endpoint: GraphEndpoint, name: str) -> bool:
    return endpoint.name == name and endpoint.declared.direction == "egress"
