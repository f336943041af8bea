"""Graphs as documents: read, printed, applied, compared."""

import pytest
from graph_fixtures import add, file_type, known_shapes, new_head, transform, wire, wordcount, wordcount_graph

from pie_deploy.domain.document import (
    GraphDocument,
    VertexDocument,
    changes,
    difference,
    document_of,
    parse_document,
    print_document,
    renamed,
)
from pie_deploy.domain.graph import Graph
from pie_deploy.domain.head import Head
from pie_deploy.domain.operations import (
    AddVertex,
    ChangeEndpointAlias,
    ChangeParameter,
    ChangeVersion,
    Connect,
    DeleteVertex,
    Describe,
    Disconnect,
    Input,
    Operation,
    Output,
    RemoveFile,
)
from pie_deploy.errors import ManifestError

WORDCOUNT = """
name: wordcount
description: Counts words.
vertices:
  tokenise: {component: cv-tokenise, parameters: {lower: true, separator: '"-"'}, files: {stopwords: f-text}, label: Tokens}
  count: {component: cv-count, parameters: {least: 1}, position: [1, 2.5], note: "two\\nlines"}
  copy: {transformation: tee}
edges:
  - tokenise -> copy
  - copy.out1 -> count.in0
aliases:
  tokenise.text: text
"""


def document(text: str) -> GraphDocument:
    return parse_document(text)


def applied(graph: Graph, text: str) -> Graph:
    head = Head(known_shapes(), graph, files=file_type)
    head.apply(changes(graph, document(text)))
    return head.graph()


def test_a_document_becomes_the_graph_that_it_describes() -> None:
    graph = applied(Graph(), WORDCOUNT)
    assert list(graph.vertices) == ["tokenise", "count", "copy"]
    assert sorted(map(str, graph.edges)) == ["copy.out1 -> count.in0", "tokenise.out0 -> copy.in0"]
    assert graph.vertices["tokenise"].parameters == {"lower": "true", "separator": '"-"'}
    assert graph.vertices["count"].position == (1.0, 2.5)
    assert graph.aliases == {("tokenise", "text"): "text"}
    assert graph.description == "Counts words."


def test_a_document_that_is_applied_twice_changes_nothing_the_second_time() -> None:
    graph = applied(Graph(), WORDCOUNT)
    assert changes(graph, document(WORDCOUNT)) == []


def test_export_is_the_inverse_of_apply() -> None:
    graph = applied(Graph(), WORDCOUNT)
    printed = print_document(document_of(graph, "wordcount"))
    assert applied(Graph(), printed) == graph
    assert printed == print_document(document(printed))


def test_what_is_exported_reads_well() -> None:
    head = new_head(*wordcount())
    head.apply([ChangeParameter(vertex="tokenise", name="lower", value="false"), Describe(description="Counts: words")])
    assert print_document(document_of(head.graph(), "wordcount")) == (
        "name: wordcount\n"
        "description: 'Counts: words'\n"
        "vertices:\n"
        "  tokenise:\n"
        "    component: cv-tokenise\n"
        "    parameters:\n"
        "      lower: false\n"
        "  count:\n"
        "    component: cv-count\n"
        "    parameters:\n"
        "      least: 1\n"
        "edges:\n"
        "- tokenise.out0 -> count.in0\n"
    )


@pytest.mark.parametrize(
    "literal", ["true", "1", "-3", "0.5", "1e-07", "1e3", "01", "+1", '"true"', "[1, 2]", "1.0", "1_000", "-0", "-0.0", "1e999"]
)
def test_a_literal_is_the_same_after_export_and_apply(literal: str) -> None:
    graph = Graph(vertices={"a": new_head(add("a", "cv-count", least=literal if literal == "1" else "1")).graph().vertices["a"]})
    graph.vertices["a"].parameters["least"] = literal  # type: ignore[index]
    read = parse_document(print_document(document_of(graph)))
    assert read.vertices["a"].literals() == {"least": literal}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "expected object, got array"),
        ("vertex: {}", "object contains unknown field vertex"),
        ("vertices: {A: {component: x}}", "vertices.A: expected str matching regex '^[a-z][a-z0-9_-]{0,62}$'"),
        (
            "vertices: {a: {component: x}, b: {component: x, parameters: {p: 1, q: [1]}}, c: {component: x}}",
            "vertices.b.parameters.q: expected bool | int | float | str, got array",
        ),
        ("vertices: {a: {component: x}, b: {component: x, label: 1}}", "vertices.b.label: expected str, got int"),
        ("vertices: {a: {}}", "vertices.a: give a component or a transformation, one of the two"),
        ("vertices: {a: {component: x, transformation: tee}}", "vertices.a: give a component or a transformation, one of the two"),
        ("edges: [a -> b]", "edges[0]: there is no vertex a"),
        ("{vertices: {a: {component: x}}, edges: [a - a]}", "edges[0]: 'a - a' is not like `a.out0 -> b.in0`"),
        ("{vertices: {a: {component: x}}, edges: [a.in0 -> a.out0]}", "edges[0]: 'a.in0 -> a.out0' is not like `a.out0 -> b.in0`"),
        ("aliases: {a.text: text}", "aliases: there is no vertex a"),
        (
            "{vertices: {a: {component: x}}, aliases: {a: text}}",
            "aliases: 'a' is not like `vertex.endpoint`",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_field(text: str, message: str) -> None:
    with pytest.raises(ManifestError) as refusal:
        document(text)
    assert refusal.value.message == f"backend.yml: {message}"


def test_references_are_replaced_by_what_they_mean() -> None:
    shown = renamed(document(WORDCOUNT), lambda component: f"{component}!", lambda file: f"{file}?")
    assert shown.vertices["tokenise"].component == "cv-tokenise!"
    assert shown.vertices["tokenise"].files == {"stopwords": "f-text?"}
    assert shown.vertices["copy"] == VertexDocument(transformation="tee")


def test_a_mutable_value_is_all_that_changes_so_that_it_may_land_while_live() -> None:
    graph = applied(Graph(), WORDCOUNT)
    text = WORDCOUNT.replace("lower: true", "lower: false")
    assert changes(graph, document(text)) == [ChangeParameter(vertex="tokenise", name="lower", value="false")]


def test_what_the_document_lacks_goes() -> None:
    text = "vertices: {tokenise: {component: cv-tokenise}}"
    assert changes(wordcount_graph(), document(text)) == [DeleteVertex(vertex="count")]


def test_another_version_of_two_neighbours_fits_although_each_alone_would_not() -> None:
    graph = new_head(add("a", "cv-tokenise"), add("b", "cv-count", least="1"), wire("a.0 b.0")).graph()
    text = "{vertices: {a: {component: cv-number}, b: {component: cv-number}}, edges: [a -> b]}"
    assert changes(graph, document(text)) == [
        Disconnect(output=Output("a"), input=Input("b")),
        ChangeVersion(vertex="a", component="cv-number"),
        ChangeParameter(vertex="b", name="least"),
        ChangeVersion(vertex="b", component="cv-number"),
        Connect(output=Output("a"), input=Input("b")),
    ]
    assert applied(graph, text).vertices["b"].parameters == {}


def test_values_of_an_old_version_go_before_it_does() -> None:
    graph = applied(Graph(), WORDCOUNT)
    text = WORDCOUNT.replace(
        "{component: cv-tokenise, parameters: {lower: true, separator: '\"-\"'}, files: {stopwords: f-text}", "{component: cv-pass"
    )
    text = text.replace("aliases:\n  tokenise.text: text\n", "")
    operations = changes(graph, document(text))
    assert operations.index(RemoveFile(vertex="tokenise", slot="stopwords")) < operations.index(
        ChangeVersion(vertex="tokenise", component="cv-pass")
    )
    assert applied(graph, text).vertices["tokenise"].files == {}


def test_a_component_that_becomes_a_transformation_is_another_vertex() -> None:
    operations: list[Operation] = changes(
        wordcount_graph(), document("vertices: {count: {transformation: tee}, tokenise: {component: cv-tokenise}}")
    )
    assert operations == [DeleteVertex(vertex="count"), AddVertex(vertex="count", transformation="tee")]


def test_a_transformation_that_several_parameters_make_another_is_another_vertex() -> None:
    head = new_head(transform("one", "constant", type='"Int64"', value="1"))
    other = new_head(transform("one", "constant", type='"String"', value='"x"')).graph()
    operations = difference(head.graph(), other)
    assert [type(operation) for operation in operations] == [DeleteVertex, AddVertex]
    head.apply(operations)
    assert head.graph() == other


def test_a_mutable_value_of_a_transformation_is_all_that_changes() -> None:
    graph = new_head(transform("one", "constant", type='"Int64"', value="1")).graph()
    other = new_head(transform("one", "constant", type='"Int64"', value="2")).graph()
    assert difference(graph, other) == [ChangeParameter(vertex="one", name="value", value="2")]


def test_roles_can_be_exchanged() -> None:
    aliases = [
        ChangeEndpointAlias(vertex="tokenise", endpoint="text", role="x"),
        ChangeEndpointAlias(vertex="count", endpoint="counts", role="y"),
    ]
    graph = new_head(*wordcount(), *aliases).graph()
    other = Graph(graph.vertices, graph.edges, {("tokenise", "text"): "y", ("count", "counts"): "x"})
    head = Head(known_shapes(), graph, files=file_type)
    head.apply(difference(graph, other))
    assert head.graph().aliases == other.aliases
