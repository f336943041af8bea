"""Whether a backend has what an application needs."""

import pytest
from graph_fixtures import known_shapes, new_head, wordcount

from pie_deploy.domain.needs import Need, satisfies
from pie_deploy.domain.operations import ChangeEndpointAlias


def unmet(*needs: Need) -> list[str]:
    aliases = [
        ChangeEndpointAlias(vertex="tokenise", endpoint="text", role="text"),
        ChangeEndpointAlias(vertex="count", endpoint="counts", role="counts"),
    ]
    graph = new_head(*wordcount(), *aliases).graph()
    return [detail.message for detail in satisfies(graph, needs, known_shapes())]


def test_needs_that_are_met_have_nothing_to_say() -> None:
    needs = (
        Need(name="send", role="text", kind="ingress"),
        Need(name="see", role="counts", kind="egress", transports=("sse", "http")),
    )
    assert unmet(*needs) == []


@pytest.mark.parametrize(
    ("need", "message"),
    [
        (Need(name="send", role="words", kind="ingress"), "need send: no endpoint has the role words"),
        (Need(name="send", role="counts", kind="ingress"), "need send: counts is an egress, not an ingress"),
        (Need(name="send", role="text", kind="ingress", transports=("http", "sse")), "need send: text does not speak sse"),
        (Need(name="send", role="text", kind="egress", required=False), "need send: text is an ingress, not an egress"),
    ],
)
def test_a_need_that_is_not_met_says_why(need: Need, message: str) -> None:
    assert unmet(need) == [message]


def test_an_optional_need_may_be_absent() -> None:
    assert unmet(Need(name="send", role="words", kind="ingress", required=False)) == []
