"""A backend's graph as callers see it: with names of components, and with types resolved over the whole graph."""

from collections.abc import Mapping

from pie_deploy.domain.completeness import problems
from pie_deploy.domain.graph import ComponentSource, Edge, TransformationSource, Vertex
from pie_deploy.domain.head import Head
from pie_deploy.domain.inference import SlotTypes
from pie_deploy.domain.records import Backend, Deployment
from pie_deploy.errors import TypeMismatchError
from pie_deploy.ports.store import Reading
from pie_deploy.services.resolution import versions_of
from pie_deploy.services.views import AliasView, BackendView, EdgeView, SlotView, VertexView
from pie_flow.errors import FlowError


def backend_view(reading: Reading, backend: Backend, head: Head, deployment: Deployment | None) -> BackendView:
    graph = head.graph()
    names = version_names(reading, set(versions_of(graph).values()))
    types = {name: _types(head, name) for name in graph.vertices}
    return BackendView(
        backend=backend,
        description=graph.description,
        vertices=tuple(_vertex(head, vertex, types[vertex.name], names) for vertex in graph.vertices.values()),
        edges=tuple(_edge(edge, types[edge.output.vertex]) for edge in sorted(graph.edges)),
        aliases=tuple(
            AliasView(vertex=vertex, endpoint=endpoint, role=role)
            for (vertex, endpoint), role in sorted(graph.aliases.items(), key=lambda item: item[1])
        ),
        problems=tuple(problems(graph, head.shapes, head.files)),
        deployment=deployment,
    )


def version_names(reading: Reading, ids: set[str]) -> dict[str, str]:
    """`name@version` by id; the id itself for what is gone."""
    found = {id_: reading.find_version(id_) for id_ in ids}
    return {id_: id_ if version is None else f"{version.name}@{version.version}" for id_, version in found.items()}


def _vertex(head: Head, vertex: Vertex, types: SlotTypes, names: Mapping[str, str]) -> VertexView:
    source, shape = vertex.source, head.shape(vertex.name)
    return VertexView(
        name=vertex.name,
        component=names[source.version_id] if isinstance(source, ComponentSource) else None,
        version_id=source.version_id if isinstance(source, ComponentSource) else None,
        transformation=source.name if isinstance(source, TransformationSource) else None,
        inputs=_slots(types.inputs, shape.inputs),
        outputs=_slots(types.outputs, shape.outputs),
        parameters=dict(vertex.parameters),
        files=dict(vertex.files),
        endpoints={name: endpoint.direction for name, endpoint in shape.endpoints.items()},
        label=vertex.label,
        position=vertex.position,
        note=vertex.note,
    )


def _slots(types: tuple[object, ...], declared: tuple[object, ...]) -> tuple[SlotView, ...]:
    return tuple(SlotView(type=str(type_), declared=str(said)) for type_, said in zip(types, declared, strict=True))


def _edge(edge: Edge, types: SlotTypes) -> EdgeView:
    return EdgeView(
        from_vertex=edge.output.vertex,
        from_position=edge.output.position,
        to_vertex=edge.input.vertex,
        to_position=edge.input.position,
        type=str(types.outputs[edge.output.position]),
    )


def _types(head: Head, vertex: str) -> SlotTypes:
    """As declared where the whole does not hold together: `problems` says why."""
    try:
        return head.types(vertex)
    except (TypeMismatchError, FlowError):
        return head.declared(vertex)
