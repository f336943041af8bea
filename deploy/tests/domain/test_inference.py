"""Types of slots over the whole graph."""

import pytest
from graph_fixtures import PARSED, add, new_head, transform, wire

from pie_deploy.domain.head import Head
from pie_deploy.domain.operations import ChangeParameter, DeleteVertex, Disconnect, Operation
from pie_deploy.domain.shape import shapes_from
from pie_deploy.errors import TypeMismatchError
from pie_flow.errors import TypeBoundError


def types(head: Head, vertex: str) -> str:
    found = head.types(vertex)
    return f"{', '.join(map(str, found.inputs))} -> {', '.join(map(str, found.outputs))}"


def disconnect(text: str) -> Operation:
    connect = wire(text)
    return Disconnect(output=connect.output, input=connect.input)


def test_the_message_names_the_edge_both_types_and_where_they_part() -> None:
    head = new_head(add("v1", "cv-source"), add("v2", "cv-sink"))
    with pytest.raises(TypeMismatchError) as refusal:
        head.apply([wire("v1.2 v2.2")])
    assert refusal.value.message == (
        "edge v1.out2 -> v2.in2: type mismatch: upstream Image, downstream [BoundingBox]; cannot unify Image with a list (at: root)"
    )


def test_a_type_flows_through_vertices_with_variables() -> None:
    head = new_head(add("a", "cv-source"), add("b", "cv-pass"), add("c", "cv-list"), wire("a.1 b.0"), wire("b.0 c.0"))
    assert types(head, "c") == "Int64 -> [Int64]"


def test_a_type_flows_against_the_edges_too() -> None:
    head = new_head(add("b", "cv-pass"), add("c", "cv-number"), wire("b.0 c.0"))
    assert types(head, "b") == "Int64 -> Int64"


def test_a_variable_has_one_binding_per_vertex() -> None:
    head = new_head(add("a", "cv-source"), add("b", "cv-both"), wire("a.0 b.0"))
    with pytest.raises(TypeMismatchError, match=r"^edge a\.out1 -> b\.in1: type mismatch: upstream Int64, downstream String; "):
        head.apply([wire("a.1 b.1")])


def test_two_vertices_of_one_component_have_variables_of_their_own() -> None:
    head = new_head(add("a", "cv-source"), add("b", "cv-pass"), add("c", "cv-pass"), wire("a.0 b.0"), wire("a.1 c.0"))
    assert (types(head, "b"), types(head, "c")) == ("String -> String", "Int64 -> Int64")


def test_a_mismatch_far_away_is_found_at_the_edge_that_makes_it() -> None:
    head = new_head(*(add(f"p{n}", "cv-pass") for n in range(5)), *(wire(f"p{n}.0 p{n + 1}.0") for n in range(4)))
    head.apply([add("text", "cv-source"), add("number", "cv-number"), wire("text.0 p0.0")])
    with pytest.raises(TypeMismatchError, match=r"^edge p4\.out0 -> number\.in0: type mismatch: upstream String, downstream Int64"):
        head.apply([wire("p4.0 number.0")])


def test_a_binding_goes_with_the_edge_that_made_it() -> None:
    head = new_head(add("a", "cv-source"), add("b", "cv-pass"), add("c", "cv-pass"), wire("a.0 b.0"), wire("b.0 c.0"))
    head.apply([disconnect("a.0 b.0")])
    assert types(head, "c") == "t -> t"
    head.apply([wire("a.1 b.0")])
    assert types(head, "c") == "Int64 -> Int64"


def test_a_binding_goes_with_the_vertex_that_made_it() -> None:
    head = new_head(add("a", "cv-source"), add("b", "cv-pass"), wire("a.0 b.0"))
    head.apply([DeleteVertex(vertex="a")])
    assert types(head, "b") == "t -> t"


def test_a_refused_edge_leaves_no_binding() -> None:
    head = new_head(add("a", "cv-source"), add("b", "cv-both"), add("c", "cv-number"), wire("a.0 b.0"))
    with pytest.raises(TypeMismatchError):
        head.apply([wire("b.0 c.0")])
    assert types(head, "b") == "String, String -> (String, String)"


def test_what_a_batch_took_back_leaves_no_binding() -> None:
    head = new_head(add("a", "cv-source"), add("b", "cv-pass"))
    head.apply([wire("a.0 b.0")])
    head.take_back()
    assert types(head, "b") == "t -> t"


def test_a_type_that_would_contain_itself_is_refused() -> None:
    head = new_head(add("a", "cv-list"), add("b", "cv-pass"), wire("a.0 b.0"))
    with pytest.raises(TypeMismatchError, match=r"^edge b\.out0 -> a\.in0: "):
        head.apply([wire("b.0 a.0")])


def test_a_vertex_may_feed_itself_when_the_types_allow() -> None:
    head = new_head(add("a", "cv-pass"), wire("a.0 a.0"))
    head.check()
    head.apply([DeleteVertex(vertex="a")])
    head.check()


def test_a_type_that_doubles_with_each_vertex_does_not_blow_up() -> None:
    operations: list[Operation] = [add("p0", "cv-both")]
    for n in range(40):
        operations += [add(f"p{n + 1}", "cv-both"), wire(f"p{n}.0 p{n + 1}.0"), wire(f"p{n}.0 p{n + 1}.1")]
    with pytest.raises(TypeMismatchError, match=r"edge p\d+\.out0 -> p\d+\.in0: the type has more than \d+ parts$"):
        new_head(*operations)


def test_a_type_that_grows_too_large_from_upstream_cannot_be_told_but_does_no_harm() -> None:
    operations: list[Operation] = [add("p40", "cv-both")]
    for n in reversed(range(40)):
        operations += [add(f"p{n}", "cv-both"), wire(f"p{n}.0 p{n + 1}.0"), wire(f"p{n}.0 p{n + 1}.1")]
    head = new_head()
    head.apply(operations)
    assert types(head, "p0") == "t, t -> (t, t)"
    with pytest.raises(TypeBoundError):
        head.types("p40")


def test_the_parameter_that_decides_a_transformation_is_checked_against_its_edges() -> None:
    head = new_head(transform("one", "constant", type='"Int64"', value="1"), add("c", "cv-number"), wire("one.0 c.0"))
    with pytest.raises(TypeMismatchError, match=r"^edge one\.out0 -> c\.in0: type mismatch: upstream Double"):
        head.apply([ChangeParameter(vertex="one", name="type", value='"Double"')])
    assert types(head, "one") == "t -> Int64"


def test_a_new_vertex_joins_two_halves() -> None:
    head = new_head(add("a", "cv-pass"), add("b", "cv-pass"), add("c", "cv-pass"), add("d", "cv-pass"))
    head.apply([wire("a.0 b.0"), wire("c.0 d.0"), wire("b.0 c.0"), add("n", "cv-number"), wire("n.0 a.0")])
    assert types(head, "d") == "Int64 -> Int64"


def test_a_graph_that_no_longer_holds_together_says_so_for_each_vertex_and_is_mended_by_taking_the_edge_away() -> None:
    """A version's manifest never changes, but a platform that was upgraded may know a transformation differently."""
    manifests = dict(PARSED)
    shapes = shapes_from(manifests.__getitem__)
    head = Head(shapes)
    head.apply([add("a", "cv-source"), add("b", "cv-pass"), add("c", "cv-number"), wire("a.1 b.0"), wire("b.0 c.0")])
    manifests["cv-number"] = PARSED["cv-tokenise"]
    changed = Head(shapes_from(manifests.__getitem__), head.graph())
    for vertex in ("b", "b"):
        with pytest.raises(TypeMismatchError, match=r"^edge b\.out0 -> c\.in0: type mismatch: upstream Int64, downstream String"):
            changed.types(vertex)
    changed.apply([disconnect("b.0 c.0")])
    assert types(changed, "b") == "Int64 -> Int64"


def test_a_change_far_from_a_component_leaves_what_is_known_of_it() -> None:
    head = new_head(add("a", "cv-source"), add("b", "cv-pass"), add("c", "cv-pass"), wire("a.0 b.0"))
    before = head.types("b")
    head.apply([wire("a.1 c.0"), DeleteVertex(vertex="c")])
    assert head.types("b") == before


@pytest.mark.parametrize("others", [2, 60])
def test_what_has_grown_too_large_unseen_is_refused_where_it_is_looked_at_and_can_be_mended(others: int) -> None:
    operations: list[Operation] = [add("p20", "cv-both")]
    for n in reversed(range(20)):
        operations += [add(f"p{n}", "cv-both"), wire(f"p{n}.0 p{n + 1}.0"), wire(f"p{n}.0 p{n + 1}.1")]
    chain = [add(f"q{n}", "cv-pass") for n in range(others)]
    head = new_head(*operations, *chain, *(wire(f"q{n}.0 q{n + 1}.0") for n in range(others - 1)))
    before = head.graph()
    for _ in range(2):
        try:
            head.apply([wire(f"q{others - 1}.0 p0.0")])
            head.apply([disconnect(f"q{others - 1}.0 p0.0")])
        except TypeMismatchError as refusal:
            assert "parts" in refusal.message
    assert head.graph() == before
    head.apply([DeleteVertex(vertex="p10")])
    assert types(head, f"q{others - 1}") == "t -> t"
    assert types(head, "p2") == "((t, t), (t, t)), ((t, t), (t, t)) -> (((t, t), (t, t)), ((t, t), (t, t)))"
