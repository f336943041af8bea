"""What keeps a graph from being deployed: every reason at once."""

import pytest
from graph_fixtures import add, file_type, known_shapes, manifest_of, new_head, transform, wire, wordcount

from pie_deploy.domain.completeness import check_complete, problems
from pie_deploy.domain.digest import graph_hash
from pie_deploy.domain.graph import ComponentSource, Graph, Vertex
from pie_deploy.domain.manifest import ComponentManifest
from pie_deploy.domain.operations import AddFile, ChangeEndpointAlias, ChangeParameter, Operation
from pie_deploy.domain.shape import shapes_from
from pie_deploy.errors import GraphIncompleteError, NotFoundError, SketchPresentError

TEXT = ChangeEndpointAlias(vertex="tokenise", endpoint="text", role="text")


def messages(*operations: Operation) -> list[str]:
    return [problem.message for problem in problems(new_head(*operations).graph(), known_shapes(), file_type)]


def test_a_complete_graph_has_no_problems() -> None:
    graph = new_head(*wordcount(), TEXT).graph()
    assert problems(graph, known_shapes(), file_type) == []
    check_complete(graph, known_shapes())


def test_an_empty_graph_is_not_deployed() -> None:
    assert messages() == ["the graph has no vertices"]


def test_every_reason_is_told_at_once() -> None:
    assert messages(add("count", "cv-count"), add("weights", "cv-weights"), add("tokenise", "cv-tokenise")) == [
        "input 0 of vertex count is not connected",
        "parameter least of vertex count has no value",
        "file slot model of vertex weights has no file",
        "input 0 of vertex tokenise is not connected, and its endpoint text has no alias",
        "endpoint text of vertex tokenise waits for the egress counts, which its values never reach",
    ]


def test_an_ingress_with_an_alias_feeds_its_input() -> None:
    assert "input 0 of vertex tokenise is not connected" not in messages(*wordcount(), TEXT)


def test_a_file_that_is_gone_is_a_problem() -> None:
    head = new_head(add("weights", "cv-weights"), AddFile(vertex="weights", slot="model", file="f-weights"))
    [problem] = problems(head.graph(), known_shapes(), lambda _: None)
    assert (problem.code, problem.subject, problem.message) == ("not_found", "weights", "file f-weights of vertex weights is gone")
    assert problems(head.graph(), known_shapes()) == []


def test_a_version_that_is_gone_is_a_problem_and_the_others_are_still_told() -> None:
    def manifests(version_id: str) -> ComponentManifest:
        if version_id == "cv-source":
            raise NotFoundError("there is no component version cv-source")
        return manifest_of(version_id)

    graph = new_head(add("count", "cv-count"), add("a", "cv-source")).graph()
    assert [problem.message for problem in problems(graph, shapes_from(manifests))] == [
        "vertex a: there is no component version cv-source",
        "input 0 of vertex count is not connected",
        "parameter least of vertex count has no value",
    ]


def test_a_sketch_is_named_by_its_own_code() -> None:
    graph = new_head(transform("todo", "sketch", inputs='["String"]', outputs="[]")).graph()
    with pytest.raises(SketchPresentError, match=r"^vertex todo is a sketch: replace it by what it stands for$"):
        check_complete(graph, known_shapes())


def test_the_refusal_counts_the_reasons_and_carries_them_all() -> None:
    with pytest.raises(GraphIncompleteError, match=r"^input 0 of vertex count is not connected \(and 1 more\)$") as refusal:
        check_complete(new_head(add("count", "cv-count")).graph(), known_shapes())
    assert len(refusal.value.details) == 2


@pytest.mark.parametrize("place", ["nobody/web", "server/none", "tokenise/text"])
def test_a_reference_leads_to_an_endpoint_of_a_command(place: str) -> None:
    head = new_head(*wordcount(), TEXT, add("server", "cv-port"))
    head.apply([ChangeParameter(vertex="tokenise", name="separator", value=f'"vertex://{place}"')])
    assert [problem.message for problem in problems(head.graph(), known_shapes())] == [
        f"parameter separator of vertex tokenise: vertex://{place} is no endpoint of a command in the graph"
    ]
    head.apply([ChangeParameter(vertex="tokenise", name="separator", value='"vertex://server/web/v1"')])
    assert problems(head.graph(), known_shapes()) == []


def test_a_cycle_is_a_problem() -> None:
    found = messages(*(add(name, "cv-pass") for name in "abc"), wire("a.0 b.0"), wire("b.0 c.0"), wire("c.0 a.0"))
    assert found == ["the cycle a -> b -> c -> a does not go through a delay_one"]


def test_a_vertex_that_feeds_itself_is_a_cycle() -> None:
    assert messages(add("a", "cv-pass"), wire("a.0 a.0")) == ["the cycle a -> a does not go through a delay_one"]


def test_a_cycle_through_delay_one_is_fine() -> None:
    delay = transform("later", "delay_one", type='"Int64"', value="0")
    assert messages(add("a", "cv-number"), delay, wire("a.0 later.0"), wire("later.0 a.0")) == []


def test_a_long_way_is_not_a_cycle_and_needs_no_deep_stack() -> None:
    operations = [add(f"v{n}", "cv-number") for n in range(3000)]
    head = new_head(*operations, *(wire(f"v{n}.0 v{n + 1}.0") for n in range(2999)))
    assert [problem.message for problem in problems(head.graph(), known_shapes())] == ["input 0 of vertex v0 is not connected"]
    head.apply([wire("v2999.0 v0.0")])
    [problem] = problems(head.graph(), known_shapes())
    assert problem.message.startswith("the cycle v")
    assert problem.message.endswith(" does not go through a delay_one")


def test_problems_are_listed_up_to_a_bound() -> None:
    vertices = {f"v{n}": Vertex(f"v{n}", ComponentSource("cv-count")) for n in range(2000)}
    assert len(problems(Graph(vertices), known_shapes())) == 1000


def test_looking_for_problems_changes_nothing() -> None:
    graph = new_head(*wordcount()).graph()
    before = graph_hash(graph)
    problems(graph, known_shapes())
    assert graph_hash(graph) == before
