"""Transformations that `connect` puts between two slots whose types do not unify: visible vertices, never a hidden conversion.

A bridge passes on the same value, one for one, nothing lost: a number in a wider type, a value in or out of its named type, a value
as an alternative of a union. What would change how many values there are, or round, the author of the graph decides.
"""

from collections.abc import Iterator, Mapping, Sequence

from pie_deploy.domain.change import edge_of
from pie_deploy.domain.graph import Edge, Graph
from pie_deploy.domain.head import Head
from pie_deploy.domain.operations import AddVertex, Connect, Input, Operation, Output
from pie_deploy.domain.shape import Shapes
from pie_deploy.errors import TypeMismatchError
from pie_flow.catalogue import CATALOGUE
from pie_flow.errors import FlowError, MismatchError
from pie_flow.literals import print_literal
from pie_flow.types import Atom, NamedType, Type, UnionType
from pie_flow.unify import unify, variables

_NAME_CHARACTERS = 63
_STRING = Atom("String")

_WIDER: Mapping[str, frozenset[str]] = {
    "Int32": frozenset({"Int64", "Double"}),
    "UInt32": frozenset({"Int64", "UInt64", "Double"}),
    "Float": frozenset({"Double"}),
}
"""What holds every value of a numeric atom exactly."""


def bridge(graph: Graph, connect: Connect, shapes: Shapes) -> list[Operation]:
    """What `connect` becomes in this graph: itself when the types unify, else a transformation and the two edges to and from it.

    Raises TypeMismatchError when nothing fits in between, InvalidOperationError when there is no such pair of slots.
    """
    head = Head(shapes, graph)
    steps = bridged(head, connect)
    head.apply(steps)
    return list(steps)


def bridged(head: Head, connect: Connect) -> Sequence[Operation]:
    """The same for a head, which stays as it is. What cannot be bridged comes back as it is: landing it tells what is wrong."""
    edge = edge_of(connect.output, connect.input)
    try:
        upstream, downstream = _types(head, edge)
        if _unifies(upstream, downstream):
            return (connect,)
    except (LookupError, FlowError, TypeMismatchError):
        return (connect,)
    if edge.input in head.tables.feeds:
        return (connect,)
    for transformation, parameters in _candidates(upstream, downstream):
        return _inserted(head, connect, transformation, parameters)
    return (connect,)


def _types(head: Head, edge: Edge) -> tuple[Type, Type]:
    """What flows out of the one slot and what the other takes. LookupError when there is no such slot."""
    if edge.output.position < 0 or edge.input.position < 0:
        raise IndexError
    return head.types(edge.output.vertex).outputs[edge.output.position], head.types(edge.input.vertex).inputs[edge.input.position]


def _unifies(left: Type, right: Type) -> bool:
    try:
        unify(left, right)
    except MismatchError:
        return False
    return True


def _candidates(upstream: Type, downstream: Type) -> Iterator[tuple[str, dict[str, str]]]:
    if variables(upstream) or variables(downstream):
        return  # what the parameters would say is not known yet
    if isinstance(upstream, Atom) and isinstance(downstream, Atom) and downstream.name in _WIDER.get(upstream.name, ()):
        yield "convert", {"from": _text(upstream), "to": _text(downstream)}
    if isinstance(upstream, NamedType) and CATALOGUE.base(upstream) == downstream:
        yield "unpack_named", {"type": _text(upstream)}
    if isinstance(downstream, NamedType) and CATALOGUE.base(downstream) == upstream:
        yield "wrap_named", {"type": _text(downstream)}
    if isinstance(downstream, UnionType) and upstream in downstream.alternatives:
        yield "wrap_union", {"type": _text(downstream), "alternative": _text(upstream)}


def _text(kind: Type) -> str:
    return print_literal(str(kind), _STRING)


def _inserted(head: Head, connect: Connect, transformation: str, parameters: dict[str, str]) -> Sequence[Operation]:
    name = _free_name(head, connect.input, transformation)
    return (
        AddVertex(vertex=name, transformation=transformation, parameters=parameters),
        Connect(output=connect.output, input=Input(name)),
        Connect(output=Output(name), input=connect.input),
    )


def _free_name(head: Head, input_: Input, transformation: str) -> str:
    ending = f"-in{input_.position}-{transformation}"
    number = 1
    while True:
        name = f"{input_.vertex[: _NAME_CHARACTERS - len(ending)]}{ending}"
        if name not in head.vertices:
            return name
        number += 1
        ending = f"-in{input_.position}-{transformation}-{number}"
