"""A graph that changes in place, with the indexes that checks need: `Graph` is its snapshot.

Every change goes through one of the `set_` methods, which keep the indexes, note what digest and inference have to look at again,
and, inside a batch, how to take the change back. None of them checks anything: the rules stand in `pie_deploy.domain.rules`.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TypeVar

from pie_deploy.domain.graph import Edge, Graph, Slot, TransformationSource, Vertex

_Key = TypeVar("_Key")
_Item = TypeVar("_Item")

EndpointKey = tuple[str, str]
"""Vertex and endpoint name."""


class Tables:
    def __init__(self, graph: Graph | None = None) -> None:
        self.vertices: dict[str, Vertex] = {}
        self.feeds: dict[Slot, Slot] = {}
        """The output that feeds an input."""
        self.aliases: dict[EndpointKey, str] = {}
        self.roles: dict[str, EndpointKey] = {}
        self.rotations: dict[EndpointKey, int] = {}
        self.name = ""
        self.description = ""
        self.touched: dict[str | Edge | EndpointKey, None] = {}
        """Elements that were set since it was last emptied: vertex names, edges, aliased endpoints. For the digest."""
        self.retyped: dict[str, None] = {}
        """Vertices that came, went, or got another source or other parameters since it was last emptied. For inference."""
        self.relinked: dict[str, None] = {}
        """Vertices that got or lost an edge since it was last emptied. For inference."""
        self._incident: dict[str, dict[Edge, None]] = {}
        self._aliased: dict[str, dict[str, None]] = {}
        self._taking_back: list[Callable[[], None]] | None = None
        self._snapshot: Graph | None = None
        if graph is not None:
            self._load(graph)

    def incident(self, vertex: str) -> Iterable[Edge]:
        """The vertex's edges, in the order in which they came."""
        return self._incident.get(vertex, ())

    def aliases_of(self, vertex: str) -> Mapping[str, str]:
        """Role by endpoint name."""
        return {endpoint: self.aliases[vertex, endpoint] for endpoint in self._aliased.get(vertex, ())}

    def graph(self) -> Graph:
        """The graph as it is now; the same object until something changes."""
        if self._snapshot is None:
            self._snapshot = Graph(
                vertices=dict(self.vertices),
                edges=frozenset(Edge(output, slot) for slot, output in self.feeds.items()),
                aliases=dict(self.aliases),
                rotations=dict(self.rotations),
                name=self.name,
                description=self.description,
            )
        return self._snapshot

    def begin(self) -> None:
        """From here on changes can be taken back."""
        self._taking_back = []

    def take_back(self) -> None:
        """As it was at `begin`. Does nothing before the first one."""
        steps, self._taking_back = self._taking_back, None
        for step in reversed(steps or ()):
            step()

    def set_vertex(self, name: str, vertex: Vertex | None) -> None:
        old = self.vertices.get(name)
        self._changed(name, self.set_vertex, name, old)
        if old is None or vertex is None or _may_differ_in_shape(old, vertex):
            self.retyped[name] = None
        if vertex is None:
            self.vertices.pop(name, None)
        else:
            self.vertices[name] = vertex

    def set_edge(self, edge: Edge, there: bool) -> None:
        self._changed(edge, self.set_edge, edge, not there)
        self.relinked[edge.output.vertex] = self.relinked[edge.input.vertex] = None
        if there:
            self.feeds[edge.input] = edge.output
            self._incident.setdefault(edge.output.vertex, {})[edge] = None
            self._incident.setdefault(edge.input.vertex, {})[edge] = None
            return
        del self.feeds[edge.input]
        for vertex in {edge.output.vertex, edge.input.vertex}:
            _drop(self._incident, vertex, edge)

    def set_alias(self, key: EndpointKey, role: str | None) -> None:
        old = self.aliases.get(key)
        self._changed(key, self.set_alias, key, old)
        if old is not None:
            del self.roles[old]
        if role is not None:
            self.aliases[key] = role
            self.roles[role] = key
            self._aliased.setdefault(key[0], {})[key[1]] = None
        elif old is not None:
            del self.aliases[key]
            _drop(self._aliased, key[0], key[1])

    def set_rotation(self, key: EndpointKey, count: int) -> None:
        self._changed(None, self.set_rotation, key, self.rotations.get(key, 0))
        if count:
            self.rotations[key] = count
        else:
            self.rotations.pop(key, None)

    def set_name(self, name: str) -> None:
        self._changed(None, self.set_name, self.name)
        self.name = name

    def set_description(self, description: str) -> None:
        self._changed(None, self.set_description, self.description)
        self.description = description

    def check(self) -> None:
        """Assert that the indexes say the same as the tables."""
        edges = {Edge(output, slot) for slot, output in self.feeds.items()}
        ends = {(vertex, edge) for edge in edges for vertex in (edge.output.vertex, edge.input.vertex)}
        assert ends == {(vertex, edge) for vertex, incident in self._incident.items() for edge in incident}
        assert all(vertex in self.vertices for vertex, _ in ends), "an edge ends at vertices that are there"
        assert {role: key for key, role in self.aliases.items()} == self.roles, "a role belongs to one endpoint"
        assert set(self.aliases) == {(vertex, name) for vertex, names in self._aliased.items() for name in names}
        assert all(vertex in self.vertices for vertex, _ in self.aliases), "an alias belongs to a vertex that is there"
        assert all(name == vertex.name for name, vertex in self.vertices.items())

    def _changed(self, element: str | Edge | EndpointKey | None, change: Callable[..., None], *former: object) -> None:
        self._snapshot = None
        if element is not None:
            self.touched[element] = None
        if self._taking_back is not None:
            self._taking_back.append(partial(change, *former))

    def _load(self, graph: Graph) -> None:
        for name, vertex in graph.vertices.items():
            self.set_vertex(name, vertex)
        for edge in sorted(graph.edges):
            self.set_edge(edge, True)
        for key, role in graph.aliases.items():
            self.set_alias(key, role)
        for key, count in graph.rotations.items():
            self.set_rotation(key, count)
        self.set_name(graph.name)
        self.set_description(graph.description)


def _may_differ_in_shape(old: Vertex, new: Vertex) -> bool:
    """What stayed is the same object: comparing contents would cost a replay more than asking again costs inference."""
    if old.source is not new.source:
        return True
    return old.parameters is not new.parameters and isinstance(new.source, TransformationSource)


def _drop(index: dict[_Key, dict[_Item, None]], key: _Key, item: _Item) -> None:
    """Take an item out of an index; keys without items go."""
    items = index[key]
    del items[item]
    if not items:
        del index[key]
