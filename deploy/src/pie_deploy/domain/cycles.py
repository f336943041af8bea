"""Cycles. One is allowed where it goes through a `delay_one`, which has something to say before anything came in."""

from collections.abc import Iterator

from pie_deploy.domain.graph import Graph, TransformationSource

DELAY = TransformationSource("delay_one")


def undelayed_cycle(graph: Graph) -> list[str]:
    """The vertices of a cycle that no `delay_one` is on, in the direction of the edges; empty: there is none."""
    following: dict[str, list[str]] = {}
    for edge in sorted(graph.edges):
        if graph.vertices[edge.output.vertex].source != DELAY and graph.vertices[edge.input.vertex].source != DELAY:
            following.setdefault(edge.output.vertex, []).append(edge.input.vertex)
    done: set[str] = set()
    for start in following:
        cycle = _cycle_from(start, following, done)
        if cycle:
            return cycle
    return []


def _cycle_from(start: str, following: dict[str, list[str]], done: set[str]) -> list[str]:
    """Depth first, with its own stack: graphs are deeper than the interpreter's. `done` grows by what leads to no cycle."""
    if start in done:
        return []
    path = {start: None}
    stack: list[Iterator[str]] = [iter(following[start])]
    while stack:
        vertex = next(stack[-1], None)
        if vertex is None:
            stack.pop()
            done.add(path.popitem()[0])
        elif vertex in path:
            names = list(path)
            return names[names.index(vertex) :]
        elif vertex not in done:
            path[vertex] = None
            stack.append(iter(following.get(vertex, ())))
    return []
