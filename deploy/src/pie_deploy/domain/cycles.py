"""Cycles. One is allowed where it goes through a `delay_one`, which has something to say before anything came in."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from pie_deploy.domain.graph import Graph, TransformationSource
from pie_deploy.domain.tables import Tables
from pie_deploy.errors import Detail, GraphIncompleteError

DELAY = TransformationSource("delay_one")


def undelayed_cycle(graph: Graph) -> list[str]:
    """The vertices of a cycle that no `delay_one` is on, in the direction of the edges; empty: there is none."""
    following: dict[str, list[str]] = {}
    for edge in sorted(graph.edges):
        if graph.vertices[edge.output.vertex].source != DELAY and graph.vertices[edge.input.vertex].source != DELAY:
            following.setdefault(edge.output.vertex, []).append(edge.input.vertex)
    return _cycle(following, lambda vertex: following.get(vertex, ()))


def cycle_through(tables: Tables, vertices: Iterable[str]) -> list[str]:
    """The same of what can be reached from these vertices: takes the time of that, not of the graph."""

    def following(vertex: str) -> Iterator[str]:
        for edge in tables.incident(vertex):
            ends = (edge.output.vertex, edge.input.vertex)
            if ends[0] == vertex and all(tables.vertices[end].source != DELAY for end in ends):
                yield ends[1]

    return _cycle((vertex for vertex in vertices if vertex in tables.vertices), following)


def cycle_problem(cycle: Sequence[str]) -> Detail:
    """Why a graph with this cycle cannot be deployed."""
    message = f"the cycle {' -> '.join([*cycle, cycle[0]])} does not go through a delay_one"
    return Detail(code=GraphIncompleteError.code, message=message, subject=cycle[0])


def _cycle(starts: Iterable[str], following: Callable[[str], Iterable[str]]) -> list[str]:
    done: set[str] = set()
    for start in starts:
        cycle = _cycle_from(start, following, done)
        if cycle:
            return cycle
    return []


def _cycle_from(start: str, following: Callable[[str], Iterable[str]], done: set[str]) -> list[str]:
    """Depth first, with its own stack: graphs are deeper than the interpreter's. `done` grows by what leads to no cycle."""
    if start in done:
        return []
    path = {start: None}
    stack: list[Iterator[str]] = [iter(following(start))]
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
            stack.append(iter(following(vertex)))
    return []
