"""The shortest log that gives a graph. Nothing in it can be taken back."""

from collections.abc import Iterator

from pie_deploy.domain.change import change
from pie_deploy.domain.digest import GraphDigest
from pie_deploy.domain.graph import Edge, Graph
from pie_deploy.domain.inverse import restoring
from pie_deploy.domain.log import Stamp
from pie_deploy.domain.operations import (
    Describe,
    Operation,
    OperationRecord,
    RenameBackend,
    RotateEndpoint,
)
from pie_deploy.domain.tables import Tables


def compact(graph: Graph) -> list[Operation]:
    """One operation per vertex, which comes with all it has and its edges to those before it; then what else there is."""
    operations: list[Operation] = list(_vertices(graph))
    for (vertex, endpoint), count in sorted(graph.rotations.items()):
        operations.append(RotateEndpoint(vertex=vertex, endpoint=endpoint, count=count))
    if graph.name:
        operations.append(RenameBackend(name=graph.name))
    if graph.description:
        operations.append(Describe(description=graph.description))
    return operations


def compacted(graph: Graph, backend_id: str, stamp: Stamp) -> list[OperationRecord]:
    """The log of `compact`, numbered from 1."""
    tables = Tables()
    digest = GraphDigest(tables)
    records: list[OperationRecord] = []
    for seq, operation in enumerate(compact(graph), start=1):
        change(tables, operation)
        records.append(
            OperationRecord(
                backend_id=backend_id,
                seq=seq,
                operation=operation,
                inverse=None,
                actor=stamp.actor,
                surface=stamp.surface,
                at_ns=stamp.at_ns,
                request_id=stamp.request_id,
                graph_hash=digest.hash(),
                batch=1,
            )
        )
    return records


def _vertices(graph: Graph) -> Iterator[Operation]:
    edges: dict[str, list[Edge]] = {}
    place = {name: number for number, name in enumerate(graph.vertices)}
    for edge in sorted(graph.edges):
        later = max(edge.output.vertex, edge.input.vertex, key=place.__getitem__)
        edges.setdefault(later, []).append(edge)
    aliases: dict[str, dict[str, str]] = {}
    for (owner, endpoint), role in graph.aliases.items():
        aliases.setdefault(owner, {})[endpoint] = role
    for name, vertex in graph.vertices.items():
        yield restoring(vertex, edges.get(name, []), aliases.get(name, {}))
