from graph_fixtures import new_head

from pie_deploy.domain.cycles import cycle_through, undelayed_cycle
from pie_deploy.domain.head import Head
from pie_deploy.domain.operations import AddVertex, Connect, Input, Output


def head_of(vertices: str, *edges: str) -> Head:
    """`d` is a delay, every other letter a tee."""
    head = new_head()
    delay = AddVertex(vertex="d", transformation="delay_one", parameters={"type": '"Int64"', "value": "0"})
    added = [delay if name == "d" else AddVertex(vertex=name, transformation="tee") for name in vertices]
    head.apply([*added, *(Connect(output=Output(edge[0]), input=Input(edge[1])) for edge in edges)])
    return head


def test_a_cycle_is_found_from_everywhere_that_leads_to_it() -> None:
    head = head_of("abce", "ab", "bc", "ca", "ce")
    for start in "abc":
        assert sorted(cycle_through(head.tables, [start])) == ["a", "b", "c"]
    assert cycle_through(head.tables, ["e"]) == []
    assert sorted(undelayed_cycle(head.graph())) == ["a", "b", "c"]


def test_a_cycle_through_a_delay_is_none() -> None:
    head = head_of("abd", "ab", "bd", "da")
    assert cycle_through(head.tables, "abd") == []


def test_a_vertex_that_is_gone_leads_nowhere() -> None:
    assert cycle_through(head_of("a").tables, ["z"]) == []
