"""The types of slots over a whole graph that grows and shrinks.

Every vertex has its own type variables; an edge makes the types of two slots equal. Only at vertices with variables does that bind
anything, so the graph falls into components: vertices with variables that edges join. A component has one solver. An edge between
two components pours the smaller into the larger; an edge that goes, or a vertex whose types change, makes the component be
forgotten, and whoever asks next builds it again. So a change costs at worst the time of its component, and among ground types
next to nothing.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pie_deploy.domain.graph import Edge
from pie_deploy.errors import TypeMismatchError
from pie_deploy.limits import TYPE_TEXT_MAX
from pie_flow.errors import FlowError, MismatchError, TypeBoundError
from pie_flow.types import Type
from pie_flow.unify import Solver


@dataclass(frozen=True, slots=True)
class SlotTypes:
    """Of a vertex's inputs and outputs, by position."""

    inputs: tuple[Type, ...]
    outputs: tuple[Type, ...]
    generic: bool = False
    """Whether a type variable stands in them."""


class _Component:
    """Vertices whose variables one solver binds. All their edges have been unified, while it is alive."""

    __slots__ = ("alive", "fault", "members", "resolved", "solver")

    def __init__(self) -> None:
        self.alive = True
        self.fault = ""
        """Why its edges do not unify; kept, so that asking for each of its vertices does not find out again and again."""
        self.members: set[str] = set()
        self.resolved: dict[str, SlotTypes] = {}
        """What was asked for since the solver last learned something."""
        self.solver = Solver()


class Inference:
    def __init__(self, declared: Callable[[str], SlotTypes], incident: Callable[[str], Iterable[Edge]]) -> None:
        """`declared` tells a vertex's types, with their variables in the vertex's scope; `incident` its edges."""
        self._declared = declared
        self._incident = incident
        self._components: dict[str, _Component] = {}

    def connect(self, edge: Edge) -> None:
        """Take in an edge that the graph has got. Raises TypeMismatchError, and stays as it was; the edge has to go then."""
        ends = dict.fromkeys(vertex for vertex in (edge.output.vertex, edge.input.vertex) if self._declared(vertex).generic)
        components = {id(found): found for found in (self._component(vertex, without=edge) for vertex in ends)}
        first, *second = components.values() or (_Component(),)
        self._unify(self._merged(edge, first, second[0]) if second else first, edge)

    def verify(self, vertex: str) -> None:
        """Take in all edges of a vertex whose types have changed; it and its neighbours were forgotten. Raises as `connect`
        does, for the first edge that no longer holds.
        """
        for edge in self._incident(vertex):
            self.connect(edge)

    def forget(self, vertex: str) -> None:
        """What is known of the vertex's component no longer holds. Say it of both ends of an edge that goes."""
        component = self._components.pop(vertex, None)
        if component is not None:
            component.alive = False

    def types(self, vertex: str) -> SlotTypes:
        """The vertex's types with everything in place that the graph says about its variables; unbound ones stay.

        Raises TypeMismatchError when the graph does not hold together, TypeBoundError when a type has grown too large.
        """
        declared = self._declared(vertex)
        if not declared.generic:
            return declared
        component = self._component(vertex)
        if vertex not in component.resolved:
            component.resolved[vertex] = self._resolved(component, vertex, declared)
        return component.resolved[vertex]

    def _resolved(self, component: _Component, vertex: str, declared: SlotTypes) -> SlotTypes:
        """Types that are known at the other end of an edge are shared: a large one on a long way is written out once."""
        known: dict[Type, Type] = {}
        for edge in self._incident(vertex):
            if edge.output.vertex in component.resolved and edge.input.vertex == vertex:
                known[declared.inputs[edge.input.position]] = component.resolved[edge.output.vertex].outputs[edge.output.position]
            if edge.input.vertex in component.resolved and edge.output.vertex == vertex:
                known[declared.outputs[edge.output.position]] = component.resolved[edge.input.vertex].inputs[edge.input.position]

        def resolve(kind: Type) -> Type:
            if kind not in known:
                known[kind] = component.solver.resolve(kind)
            return known[kind]

        return SlotTypes(tuple(map(resolve, declared.inputs)), tuple(map(resolve, declared.outputs)), generic=True)

    def _component(self, vertex: str, without: Edge | None = None) -> _Component:
        """The component of a vertex with variables, built (without an edge that is just coming) if it is not known."""
        component = self._components.get(vertex)
        if component is None or not component.alive:
            component = self._built(vertex, without)
            self._components.update(dict.fromkeys(component.members, component))
        if component.fault:
            raise TypeMismatchError(component.fault)
        return component

    def _built(self, start: str, without: Edge | None) -> _Component:
        component = _Component()
        try:
            for edge in self._edges(component.members, start, without):
                self._unify(component, edge)
        except TypeMismatchError as error:
            component.fault = error.message
        return component

    def _edges(self, members: set[str], start: str, without: Edge | None) -> list[Edge]:
        """The edges of the component of a vertex, whose `members` are noted. Those among variables come first: while nothing is
        bound, joining them looks at no types, which may be large.
        """
        inside: dict[Edge, None] = {}
        border: dict[Edge, None] = {}
        members.add(start)
        waiting = [start]
        while waiting:
            vertex = waiting.pop()
            for edge in self._incident(vertex):
                if edge == without:
                    continue
                other = edge.input.vertex if edge.output.vertex == vertex else edge.output.vertex
                if not self._declared(other).generic:
                    border[edge] = None
                    continue
                inside[edge] = None
                if other not in members:
                    members.add(other)
                    waiting.append(other)
        return [*inside, *border]

    def _merged(self, edge: Edge, one: _Component, other: _Component) -> _Component:
        """One component of two, which the edge joins."""
        small, large = sorted((one, other), key=lambda component: len(component.members))
        try:
            for variable, kind in small.solver.bindings().items():
                large.solver.unify(variable, kind)
        except FlowError as error:  # a type had grown too large unseen, and is now looked at
            small.alive = large.alive = False
            raise TypeMismatchError(f"edge {edge}: {error}") from error
        large.members |= small.members
        large.resolved.clear()
        self._components.update(dict.fromkeys(small.members, large))
        return large

    def _unify(self, component: _Component, edge: Edge) -> None:
        upstream = self._declared(edge.output.vertex).outputs[edge.output.position]
        downstream = self._declared(edge.input.vertex).inputs[edge.input.position]
        try:
            if component.solver.unify(upstream, downstream):
                component.resolved.clear()
        except MismatchError as error:
            raise TypeMismatchError(_mismatch(edge, component.solver, upstream, downstream, error)) from error
        except TypeBoundError as error:
            raise TypeMismatchError(f"edge {edge}: {error}") from error


def _mismatch(edge: Edge, solver: Solver, upstream: Type, downstream: Type, error: MismatchError) -> str:
    where = f"{error.reason} (at: {error.path})"
    return f"edge {edge}: type mismatch: upstream {_shown(solver, upstream)}, downstream {_shown(solver, downstream)}; {where}"


def _shown(solver: Solver, kind: Type) -> str:
    try:
        text = str(solver.resolve(kind))
    except TypeBoundError:
        text = str(kind)
    return text if len(text) <= TYPE_TEXT_MAX else f"{text[:TYPE_TEXT_MAX]}…"
