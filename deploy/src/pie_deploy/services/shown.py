"""The graph that a view shows, for whoever wants to try something on it that the platform would do."""

from pie_deploy.domain.graph import ComponentSource, Edge, Graph, Slot, TransformationSource, Vertex
from pie_deploy.services.views import BackendView, VertexView


def graph_of(view: BackendView) -> Graph:
    return Graph(
        vertices={row.name: _vertex(row) for row in view.vertices},
        edges=frozenset(Edge(Slot(row.from_vertex, row.from_position), Slot(row.to_vertex, row.to_position)) for row in view.edges),
        aliases={(row.vertex, row.endpoint): row.role for row in view.aliases},
        name=view.backend.name,
        description=view.description,
    )


def _vertex(row: VertexView) -> Vertex:
    return Vertex(
        name=row.name,
        source=ComponentSource(row.version_id) if row.version_id else TransformationSource(row.transformation or ""),
        parameters=row.parameters,
        files=row.files,
        label=row.label,
        position=row.position,
        note=row.note,
    )
