"""The deepest types that there are go through everything, with room left on the interpreter's stack."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pie_flow import limits
from pie_flow.catalogue import CATALOGUE
from pie_flow.literals import parse_literal, print_literal
from pie_flow.types import Atom, ListType, NamedType, TupleType, Type, Variable, record, union
from pie_flow.unify import resolve, unify
from pie_flow.values import conform, from_json, just, to_json

STACK = 700
"""Of the interpreter's 1,000 frames: the rest is for whoever calls."""

LAYERS: dict[str, tuple[Callable[[Type], Type], Callable[[Any], Any]]] = {
    "lists": (ListType, lambda value: [value]),
    "tuples": (lambda kind: TupleType((kind,)), lambda value: (value,)),
    "records": (lambda kind: record([("x", kind)]), lambda value: {"x": value}),
    "maybes": (lambda kind: NamedType("Maybe", (kind,)), just),
    "names": (lambda kind: NamedType("Just", (kind,)), lambda value: value),
    "unions": (lambda kind: union([ListType(kind), Atom("Bool")]), lambda value: [value]),
}


@contextmanager
def small_stack() -> Iterator[None]:
    depth = 0
    frame = sys._getframe()
    while frame.f_back is not None:
        depth, frame = depth + 1, frame.f_back
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(depth + STACK)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def deepest(layers: str) -> tuple[Type, Any]:
    """A type of as many levels as there may be, and a value of it."""
    wrap, wrap_value = LAYERS[layers]
    per_layer = 2 if layers == "unions" else 1
    kind: Type = Atom("Int64")
    value: Any = 3
    for _ in range((limits.TYPE_DEPTH_MAX - 1) // per_layer):
        kind, value = wrap(kind), wrap_value(value)
    return kind, value


@pytest.mark.parametrize("layers", LAYERS)
def test_the_deepest_types_are_read_and_printed(layers: str) -> None:
    kind, _ = deepest(layers)
    with small_stack():
        assert CATALOGUE.parse(str(kind)) == kind


@pytest.mark.parametrize("layers", LAYERS)
def test_the_deepest_types_unify(layers: str) -> None:
    kind, _ = deepest(layers)
    with small_stack():
        assert resolve(Variable("t"), unify(Variable("t"), kind)) == kind


@pytest.mark.parametrize("layers", LAYERS)
def test_values_of_the_deepest_types_are_checked_and_written(layers: str) -> None:
    kind, value = deepest(layers)
    with small_stack():
        assert conform(value, kind) == value
        assert parse_literal(print_literal(value, kind), kind) == value
        assert from_json(to_json(value, kind), kind) == value
