"""The graph at the head of a log, ready for the next operation: keeps indexes, bindings and hash from one operation to the next.

    head = Head.replay(records, shapes)         # trusts the log: nothing is checked twice
    head.apply([operation, …])                  # checked as they land, all or none; the inverses come back
    head.take_back()                            # the store refused: as before the last `apply`
    head.graph(), head.hash()

Not thread-safe: it belongs to the backend's sequencer. What an operation costs does not grow with the graph, except where its
change reaches through it (a hub that goes, a component of type variables).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec

from pie_deploy.domain import rules
from pie_deploy.domain.change import change
from pie_deploy.domain.digest import GraphDigest
from pie_deploy.domain.graph import Graph, Shape, Vertex
from pie_deploy.domain.inference import Inference, SlotTypes
from pie_deploy.domain.inverse import inverse_of
from pie_deploy.domain.operations import ChangeEndpointAlias, Connect, Operation, OperationRecord, RestoreVertex
from pie_deploy.domain.shape import Shapes
from pie_deploy.domain.tables import Tables
from pie_deploy.domain.vertex_checks import FileTypes
from pie_deploy.errors import DeployError, StorageError
from pie_flow.types import Type
from pie_flow.unify import in_scope, variables


@dataclass(frozen=True, slots=True)
class Landed:
    """An operation that was applied."""

    operation: Operation
    inverse: Operation | None
    graph_hash: str


class Head:
    def __init__(self, shapes: Shapes, graph: Graph | None = None, *, files: FileTypes | None = None) -> None:
        """Without `files`, files that are bound are not looked up."""
        self.shapes = shapes
        self.files = files
        self.seq = 0
        """Of the newest operation."""
        self.tables = Tables(graph)
        self.inference = Inference(self.declared, self.tables.incident)
        self._digest = GraphDigest(self.tables)
        self._shape_of: dict[str, Shape] = {}
        self._declared_of: dict[str, SlotTypes] = {}
        self._seq_before = 0

    @classmethod
    def replay(
        cls, records: Iterable[OperationRecord], shapes: Shapes, *, name: str = "", files: FileTypes | None = None
    ) -> "Head":
        """The head of a whole log; `name` is the backend's: logs that were never renamed, and those of forks, do not say it.

        Operations were checked when they landed. That they still mean the same graph is checked by the newest entry's hash: raises
        StorageError when the log does not give that.
        """
        head = cls(shapes, files=files)
        head._change_again(records)
        if name:
            head.tables.set_name(name)
        return head

    @property
    def vertices(self) -> Mapping[str, Vertex]:
        return self.tables.vertices

    def graph(self) -> Graph:
        """A snapshot; the same object until something changes. Takes the time of the graph when something has."""
        return self.tables.graph()

    def hash(self) -> str:
        return self._digest.hash()

    def shape(self, vertex: str) -> Shape:
        """What the vertex offers. KeyError when it is not there."""
        shape = self._shape_of.get(vertex)
        if shape is None:
            there = self.tables.vertices[vertex]
            shape = self._shape_of[vertex] = self.shapes(there.source, there.parameters)
        return shape

    def declared(self, vertex: str) -> SlotTypes:
        """Its slots' types as its shape says, with the type variables in its scope."""
        types = self._declared_of.get(vertex)
        if types is None:
            types = self._declared_of[vertex] = _scoped(self.shape(vertex), vertex)
        return types

    def types(self, vertex: str) -> SlotTypes:
        """Its slots' types with everything in place that the whole graph says about its type variables.

        Raises TypeMismatchError when the graph does not hold together, TypeBoundError (of pie_flow) when a type is too large.
        """
        return self.inference.types(vertex)

    def apply(self, operations: Sequence[Operation]) -> list[Landed]:
        """Check and apply: all or none. The error says which operation it was, when there are several."""
        landed: list[Landed] = []
        with self.batch():
            for number, operation in enumerate(operations):
                with numbered(number, len(operations)):
                    landed.append(self.land(operation))
        return landed

    @contextmanager
    def batch(self) -> Iterator[None]:
        """What lands in the block lands whole or not at all, and can be taken back after it."""
        self.tables.begin()
        self._seq_before = self.seq
        try:
            yield
        except BaseException:
            self.take_back()
            raise

    def land(self, operation: Operation) -> Landed:
        """Check and apply one, in a `batch`: when it raises, half of its change may be done."""
        inverse: Operation | None = None
        for number, step in enumerate(_steps(operation)):
            rules.before(self, step)
            if number == 0:
                inverse = inverse_of(self.tables, operation)
            change(self.tables, step)
            self._forget(but_edges=isinstance(step, Connect))
            rules.after(self, step)
        self.seq += 1
        return Landed(operation, inverse, self.hash())

    def take_back(self) -> None:
        """As it was before the last batch. Once."""
        self.tables.take_back()
        self._forget()
        self.seq = self._seq_before

    def check(self) -> None:
        """Assert what holds between operations."""
        self.tables.check()
        for vertex in self.tables.vertices:
            self.types(vertex)

    def _forget(self, *, but_edges: bool = False) -> None:
        """Drop what is known about vertices and edges that have changed. `but_edges`: new ones are about to be taken in."""
        tables = self.tables
        for vertex in tables.retyped:
            self._shape_of.pop(vertex, None)
            self._declared_of.pop(vertex, None)
            self.inference.forget(vertex)
            for edge in tables.incident(vertex):
                self.inference.forget(edge.output.vertex)
                self.inference.forget(edge.input.vertex)
        for vertex in () if but_edges else tables.relinked:
            self.inference.forget(vertex)
        tables.retyped.clear()
        tables.relinked.clear()

    def _change_again(self, records: Iterable[OperationRecord]) -> None:
        newest: OperationRecord | None = None
        for record in records:
            if record.seq != self.seq + 1:
                raise StorageError(f"the log of {record.backend_id} has entry {record.seq} after {self.seq}")
            try:
                change(self.tables, record.operation)
            except (KeyError, AssertionError) as error:
                raise StorageError(f"the log of {record.backend_id} does not replay at entry {record.seq}") from error
            self.seq = record.seq
            newest = record
        self._forget()
        if newest is not None and self.hash() != newest.graph_hash:
            raise StorageError(f"the log of {newest.backend_id} does not give the graph that entry {newest.seq} tells")


@contextmanager
def numbered(index: int, count: int) -> Iterator[None]:
    """Errors from the block say at which operation of several they came."""
    try:
        yield
    except DeployError as error:
        if count < 2:
            raise
        raise error.within(f"operation {index + 1} of {count}") from error


def _steps(operation: Operation) -> Iterator[Operation]:
    """An operation as the ones that are checked one after the other: a vertex comes back first, then its edges and aliases."""
    if not isinstance(operation, RestoreVertex):
        yield operation
        return
    yield msgspec.structs.replace(operation, edges=(), aliases={})
    for output, input_ in operation.edges:
        yield Connect(output=output, input=input_)
    for endpoint, role in operation.aliases.items():
        yield ChangeEndpointAlias(vertex=operation.vertex, endpoint=endpoint, role=role)


def _scoped(shape: Shape, vertex: str) -> SlotTypes:
    if not any(map(variables, (*shape.inputs, *shape.outputs))):
        return SlotTypes(shape.inputs, shape.outputs)

    def scoped(types: tuple[Type, ...]) -> tuple[Type, ...]:
        return tuple(in_scope(kind, vertex) for kind in types)

    return SlotTypes(scoped(shape.inputs), scoped(shape.outputs), generic=True)
