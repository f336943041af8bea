"""The hash of a graph: equal for equal graphs, however they came to be; brought up to date in the time of the change.

Every element (vertex, edge, alias, the description) is hashed. The digests lie in 256 buckets, by their first byte and sorted; the
graph's
hash is that of the buckets' hashes. So one changed element costs one bucket and the top, not the graph. Not part of it: the name
and the
rotation of forwarding tokens, which are the backend's and not the graph's: a fork has the hash of its origin.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable

import msgspec
from blake3 import blake3

from pie_deploy.domain.graph import ComponentSource, Edge, Graph, Vertex
from pie_deploy.domain.tables import EndpointKey, Tables

BUCKETS = 256

_encode = msgspec.json.Encoder().encode


def graph_hash(graph: Graph) -> str:
    """64 hex digits. The slow way: everything is read."""
    elements = [*map(vertex_element, graph.vertices.values()), *map(edge_element, graph.edges)]
    elements += [alias_element(key, role) for key, role in graph.aliases.items()]
    digests = sorted(blake3(element).digest() for element in elements)
    buckets = [_bucket_digest(digest for digest in digests if digest[0] == number) for number in range(BUCKETS)]
    return _top(buckets, graph.description)


class GraphDigest:
    """Follows tables: `hash` reads again what they say was touched."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._digests: dict[str | Edge | EndpointKey, bytes] = {}
        self._buckets: list[list[bytes]] = [[] for _ in range(BUCKETS)]
        self._bucket_digests = [_bucket_digest(())] * BUCKETS

    def hash(self) -> str:
        """The same as `graph_hash` of the tables' graph."""
        stale: set[int] = set()
        for element in self._tables.touched:
            self._remove(element, stale)
            self._add(element, stale)
        self._tables.touched.clear()
        for number in stale:
            self._bucket_digests[number] = _bucket_digest(self._buckets[number])
        return _top(self._bucket_digests, self._tables.description)

    def _remove(self, element: str | Edge | EndpointKey, stale: set[int]) -> None:
        digest = self._digests.pop(element, None)
        if digest is not None:
            bucket = self._buckets[digest[0]]
            del bucket[bisect_left(bucket, digest)]
            stale.add(digest[0])

    def _add(self, element: str | Edge | EndpointKey, stale: set[int]) -> None:
        encoded = self._encoded(element)
        if encoded is not None:
            digest = self._digests[element] = blake3(encoded).digest()
            insort(self._buckets[digest[0]], digest)
            stale.add(digest[0])

    def _encoded(self, element: str | Edge | EndpointKey) -> bytes | None:
        """None: the element is not there."""
        tables = self._tables
        if isinstance(element, str):
            vertex = tables.vertices.get(element)
            return None if vertex is None else vertex_element(vertex)
        if isinstance(element, Edge):
            return edge_element(element) if tables.feeds.get(element.input) == element.output else None
        role = tables.aliases.get(element)
        return None if role is None else alias_element(element, role)


def vertex_element(vertex: Vertex) -> bytes:
    source = vertex.source
    kind = ("component", source.version_id) if isinstance(source, ComponentSource) else ("transformation", source.name)
    values = sorted(vertex.parameters.items()), sorted(vertex.files.items())
    position = None if vertex.position is None else tuple(map(float, vertex.position))  # 1 and 1.0 are one place
    return _encode(("vertex", vertex.name, kind, *values, vertex.label, position, vertex.note))


def edge_element(edge: Edge) -> bytes:
    output, input_ = edge.output, edge.input
    return _encode(("edge", output.vertex, output.position, input_.vertex, input_.position))


def alias_element(key: EndpointKey, role: str) -> bytes:
    return _encode(("alias", *key, role))


def _bucket_digest(digests: Iterable[bytes]) -> bytes:
    return blake3(b"".join(digests)).digest()


def _top(buckets: Iterable[bytes], description: str) -> str:
    return blake3(b"".join(buckets) + description.encode(errors="surrogatepass")).hexdigest()
