"""Endpoints of a graph, and where answers come from."""

from graph_fixtures import add, known_shapes, new_head, wordcount

from pie_deploy.domain.endpoints import endpoints, reaching
from pie_deploy.domain.operations import ChangeEndpointAlias, RotateEndpoint


def test_endpoints_are_listed_with_role_and_rotation() -> None:
    alias = ChangeEndpointAlias(vertex="tokenise", endpoint="text", role="words")
    head = new_head(*wordcount(), alias, RotateEndpoint(vertex="tokenise", endpoint="text"))
    found = [
        (endpoint.vertex, endpoint.name, endpoint.declared.direction, endpoint.role, endpoint.rotation)
        for endpoint in endpoints(head.graph(), known_shapes())
    ]
    assert found == [("tokenise", "text", "ingress", "words", 1), ("count", "counts", "egress", None, 0)]


def test_values_reach_an_egress_downstream_and_not_one_elsewhere() -> None:
    graph = new_head(*wordcount(), add("alone", "cv-tokenise")).graph()
    assert reaching(graph, known_shapes(), "counts") == {"tokenise", "count"}
    assert reaching(graph, known_shapes(), "text") == set()
