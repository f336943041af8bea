"""What a graph lacks to be deployed: every reason at once."""

from collections.abc import Iterator

from pie_deploy.domain.cycles import cycle_problem, undelayed_cycle
from pie_deploy.domain.endpoints import reaching
from pie_deploy.domain.graph import Graph, Shape, Slot, TransformationSource, Vertex
from pie_deploy.domain.head import Head
from pie_deploy.domain.reference import leads_somewhere, reference_of
from pie_deploy.domain.shape import Shapes
from pie_deploy.domain.vertex_checks import FileTypes
from pie_deploy.errors import DeployError, Detail, GraphIncompleteError, SketchPresentError, TypeMismatchError
from pie_deploy.limits import PROBLEMS_MAX
from pie_flow.errors import FlowError

SKETCH = "sketch"


def problems(graph: Graph, shapes: Shapes, files: FileTypes | None = None) -> list[Detail]:
    """Everything that keeps the graph from being deployed, at most `PROBLEMS_MAX`; empty: nothing does.

    Codes: `sketch_present`, `type_mismatch`, `not_found`, `graph_incomplete`. Without `files`, bound files are not looked up.
    """
    found: list[Detail] = []
    for problem in _Checks(graph, shapes, files).problems():
        found.append(problem)
        if len(found) == PROBLEMS_MAX:
            break
    return found


def check_complete(graph: Graph, shapes: Shapes, files: FileTypes | None = None) -> None:
    """Raises SketchPresentError or GraphIncompleteError with all `problems`."""
    found = problems(graph, shapes, files)
    if found:
        sketch = any(problem.code == SketchPresentError.code for problem in found)
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise (SketchPresentError if sketch else GraphIncompleteError)(f"{found[0].message}{more}", found)


class _Checks:
    def __init__(self, graph: Graph, shapes: Shapes, files: FileTypes | None) -> None:
        self._graph = graph
        self._shapes = shapes
        self._files = files
        self._head = Head(shapes, graph)
        self._reaching_egress: dict[str, set[str]] = {}
        self._unknown: dict[str, Detail] = {}
        """About vertices of which nobody knows what they are: a version that is gone."""

    def problems(self) -> Iterator[Detail]:
        if not self._graph.vertices:
            yield _problem("the graph has no vertices")
        known = [vertex for vertex in self._graph.vertices.values() if self._is_known(vertex)]
        yield from self._unknown.values()
        for vertex in known:
            yield from self._of_vertex(vertex, self._head.shape(vertex.name))
        for vertex in known if not self._unknown else ():
            yield from self._types(vertex)
            yield from self._answers(vertex, self._head.shape(vertex.name))
        if cycle := undelayed_cycle(self._graph):
            yield cycle_problem(cycle)

    def _of_vertex(self, vertex: Vertex, shape: Shape) -> Iterator[Detail]:
        if vertex.source == TransformationSource(SKETCH):
            message = f"vertex {vertex.name} is a sketch: replace it by what it stands for"
            yield Detail(code=SketchPresentError.code, message=message, subject=vertex.name)
            return
        yield from self._inputs(vertex, shape)
        yield from self._values(vertex, shape)
        yield from self._file_slots(vertex, shape)

    def _is_known(self, vertex: Vertex) -> bool:
        try:
            self._head.shape(vertex.name)
        except DeployError as error:
            self._unknown[vertex.name] = Detail(code=error.code, message=f"vertex {vertex.name}: {error}", subject=vertex.name)
            return False
        return True

    def _inputs(self, vertex: Vertex, shape: Shape) -> Iterator[Detail]:
        for position in range(len(shape.inputs)):
            if Slot(vertex.name, position) in self._head.tables.feeds:
                continue
            ingresses = [name for name, endpoint in shape.endpoints.items() if endpoint.into == position]
            if not ingresses:
                yield _problem(f"input {position} of vertex {vertex.name} is not connected", vertex.name)
            elif not any((vertex.name, name) in self._graph.aliases for name in ingresses):
                message = f"input {position} of vertex {vertex.name} is not connected, and its endpoint {ingresses[0]} has no alias"
                yield _problem(message, vertex.name)

    def _values(self, vertex: Vertex, shape: Shape) -> Iterator[Detail]:
        for name, parameter in shape.parameters.items():
            if parameter.default is None and name not in vertex.parameters:
                yield _problem(f"parameter {name} of vertex {vertex.name} has no value", vertex.name)
            reference = reference_of(vertex.parameters.get(name) or parameter.default or "")
            if reference is not None and not leads_somewhere(reference, self._known_shape(reference.vertex)):
                message = f"parameter {name} of vertex {vertex.name}: {reference} is no endpoint of a command in the graph"
                yield _problem(message, vertex.name)

    def _file_slots(self, vertex: Vertex, shape: Shape) -> Iterator[Detail]:
        for name, slot in shape.files.items():
            file = vertex.files.get(name)
            if file is None and slot.required:
                yield _problem(f"file slot {name} of vertex {vertex.name} has no file", vertex.name)
            if file is not None and self._files is not None and self._files(file) is None:
                yield Detail(code="not_found", message=f"file {file} of vertex {vertex.name} is gone", subject=vertex.name)

    def _types(self, vertex: Vertex) -> Iterator[Detail]:
        try:
            self._head.types(vertex.name)
        except (TypeMismatchError, FlowError) as error:
            yield Detail(code=TypeMismatchError.code, message=f"vertex {vertex.name}: {error}", subject=vertex.name)

    def _answers(self, vertex: Vertex, shape: Shape) -> Iterator[Detail]:
        for name, endpoint in shape.endpoints.items():
            egress = endpoint.respond
            if egress is not None and vertex.name not in self._reaching(egress):
                message = f"endpoint {name} of vertex {vertex.name} waits for the egress {egress}, which its values never reach"
                yield _problem(message, vertex.name)

    def _known_shape(self, vertex: str) -> Shape | None:
        there = self._graph.vertices.get(vertex)
        return None if there is None or not self._is_known(there) else self._head.shape(vertex)

    def _reaching(self, egress: str) -> set[str]:
        if egress not in self._reaching_egress:
            self._reaching_egress[egress] = reaching(self._graph, self._shapes, egress)
        return self._reaching_egress[egress]


def _problem(message: str, subject: str = "") -> Detail:
    return Detail(code=GraphIncompleteError.code, message=message, subject=subject)
