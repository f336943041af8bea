"""The hash of a graph."""

from dataclasses import replace

import pytest
from graph_fixtures import add, new_head, wire, wordcount, wordcount_graph

from pie_deploy.domain.digest import GraphDigest, graph_hash
from pie_deploy.domain.graph import Edge, Graph, Slot, TransformationSource
from pie_deploy.domain.operations import ChangeEndpointAlias, DeleteVertex, MoveVertex, Operation
from pie_deploy.domain.tables import Tables

GRAPH = wordcount_graph()
VERTEX = GRAPH.vertices["tokenise"]


def with_vertex(**fields: object) -> Graph:
    return replace(GRAPH, vertices={**GRAPH.vertices, "tokenise": replace(VERTEX, **fields)})  # type: ignore[arg-type]


OTHERS: dict[str, Graph] = {
    "a vertex less": Graph({"tokenise": VERTEX}),
    "another source": with_vertex(source=TransformationSource("cv-tokenise")),
    "a parameter": with_vertex(parameters={"lower": "true"}),
    "a file": with_vertex(files={"stopwords": "f-text"}),
    "a label": with_vertex(label="x"),
    "a note": with_vertex(note="x"),
    "a position": with_vertex(position=(0.0, 0.0)),
    "an edge less": replace(GRAPH, edges=frozenset()),
    "another edge": replace(GRAPH, edges=frozenset({Edge(Slot("tokenise", 1), Slot("count", 0))})),
    "an alias": replace(GRAPH, aliases={("tokenise", "text"): "x"}),
    "another alias": replace(GRAPH, aliases={("tokenise", "text"): "y"}),
    "a description": replace(GRAPH, description="x"),
}


def test_the_hash_tells_graphs_apart() -> None:
    hashes = {name: graph_hash(graph) for name, graph in OTHERS.items()}
    assert len({graph_hash(GRAPH), *hashes.values()}) == len(OTHERS) + 1


@pytest.mark.parametrize("graph", OTHERS.values(), ids=OTHERS.keys())
def test_the_hash_that_follows_is_the_one_from_nothing(graph: Graph) -> None:
    assert GraphDigest(Tables(graph)).hash() == graph_hash(graph)


def test_the_hash_does_not_depend_on_how_the_graph_came_to_be() -> None:
    detour: list[Operation] = [add("x", "cv-count"), *reversed(wordcount()[:2]), wire("tokenise.0 x.0"), DeleteVertex(vertex="x")]
    head = new_head(*detour, wire("tokenise.0 count.0"))
    assert head.hash() == graph_hash(GRAPH)


def test_a_fork_has_the_hash_of_its_origin_whatever_its_name_and_tokens() -> None:
    assert graph_hash(replace(GRAPH, name="other", rotations={("tokenise", "text"): 3})) == graph_hash(GRAPH)


def test_the_hash_is_the_same_on_every_machine_and_in_every_version() -> None:
    """It stands in logs: a change of it makes every log unreadable."""
    alias = ChangeEndpointAlias(vertex="tokenise", endpoint="text", role="text")
    assert graph_hash(Graph()) == "d94c2dfdd382c6f56805a7ca8d0e944bbee02be8c0315063eb533cbd3c084f98"
    assert (
        new_head(*wordcount(), alias, MoveVertex(vertex="tokenise", position=(1, 2.5))).hash()
        == "b1531896c0702147863d30a3e745427ff6a0215ce4a10217c45e70301926686a"
    )


def test_a_place_is_the_same_in_whole_numbers() -> None:
    assert graph_hash(with_vertex(position=(1, 2))) == graph_hash(with_vertex(position=(1.0, 2.0)))
