"""Transformations that connect inserts."""

import pytest
from graph_fixtures import add, known_shapes, manifest_of, new_head, wire

from pie_deploy.domain.bridge import bridge
from pie_deploy.domain.graph import Graph
from pie_deploy.domain.head import Head
from pie_deploy.domain.manifest import ComponentManifest, Worker
from pie_deploy.domain.operations import AddVertex, Connect
from pie_deploy.domain.shape import Shapes, shapes_from
from pie_deploy.errors import InvalidOperationError, TypeMismatchError


def pair(upstream: str, downstream: str) -> tuple[Graph, Shapes]:
    """A vertex `a` with an output and a vertex `b` with an input of these types."""
    manifests = {
        "cv-a": ComponentManifest(name="a", worker=Worker(output_types=(upstream,))),
        "cv-b": ComponentManifest(name="b", worker=Worker(input_types=(downstream,))),
    }
    shapes = shapes_from(manifests.__getitem__)
    head = Head(shapes)
    head.apply([add("a", "cv-a"), add("b", "cv-b")])
    return head.graph(), shapes


@pytest.mark.parametrize(
    ("upstream", "downstream", "transformation", "parameters"),
    [
        ("Int32", "Int64", "convert", {"from": '"Int32"', "to": '"Int64"'}),
        ("UInt32", "Double", "convert", {"from": '"UInt32"', "to": '"Double"'}),
        ("Float", "Double", "convert", {"from": '"Float"', "to": '"Double"'}),
        ("Url", "String", "unpack_named", {"type": '"Url"'}),
        ("String", "Url", "wrap_named", {"type": '"Url"'}),
        ("String", "Int64 | String", "wrap_union", {"type": '"Int64 | String"', "alternative": '"String"'}),
    ],
)
def test_a_value_passes_on_as_it_is(upstream: str, downstream: str, transformation: str, parameters: dict[str, str]) -> None:
    graph, shapes = pair(upstream, downstream)
    name = f"b-in0-{transformation}"
    assert bridge(graph, wire("a.0 b.0"), shapes) == [
        AddVertex(vertex=name, transformation=transformation, parameters=parameters),
        wire(f"a.0 {name}.0"),
        wire(f"{name}.0 b.0"),
    ]


@pytest.mark.parametrize(
    ("upstream", "downstream"),
    [
        ("Int64", "Int32"),
        ("Int64", "Double"),
        ("Double", "Float"),
        ("UInt64", "Int64"),
        ("String", "[String]"),
        ("[String]", "String"),
        ("Maybe<Int64>", "Int64"),
        ("Image", "[BoundingBox]"),
    ],
)
def test_what_would_lose_or_multiply_values_is_left_to_the_author(upstream: str, downstream: str) -> None:
    graph, shapes = pair(upstream, downstream)
    with pytest.raises(TypeMismatchError, match=r"^edge a\.out0 -> b\.in0: type mismatch: "):
        bridge(graph, wire("a.0 b.0"), shapes)


def test_types_that_unify_need_no_bridge() -> None:
    graph, shapes = pair("[t]", "[Int64]")
    assert bridge(graph, wire("a.0 b.0"), shapes) == [wire("a.0 b.0")]


def test_no_bridge_where_there_is_no_slot() -> None:
    graph, shapes = pair("Int32", "Int64")
    for connect in (wire("a.1 b.0"), wire("a.-1 b.0"), wire("a.0 nobody.0")):
        with pytest.raises(InvalidOperationError):
            bridge(graph, connect, shapes)


def test_no_bridge_to_an_input_that_is_taken() -> None:
    head = new_head(add("n", "cv-number"), add("m", "cv-number"), add("s", "cv-source"), wire("n.0 m.0"))
    with pytest.raises(InvalidOperationError, match=r"the input takes .* already"):
        bridge(head.graph(), wire("s.3 m.0"), known_shapes())


def test_a_bridge_takes_a_name_that_is_free() -> None:
    head = new_head(add("s", "cv-source"), add("n", "cv-number"), add("n-in0-convert", "cv-number"))
    inserted = bridge(head.graph(), wire("s.3 n.0"), shapes_from(manifest_of))[0]
    assert isinstance(inserted, AddVertex)
    assert inserted.vertex == "n-in0-convert-2"


def test_a_bridges_name_is_not_too_long() -> None:
    long = "n" * 63
    head = new_head(add("s", "cv-source"), add(long, "cv-number"))
    operations = bridge(head.graph(), wire(f"s.3 {long}.0"), known_shapes())
    head.apply(operations)
    assert isinstance(operations[1], Connect)
    assert len(operations[1].input.vertex) == 63
