"""All or nothing, and every reason at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from platform_rows import a_container, a_runtime

from pie_deploy.domain.manifest import ComponentManifest, Resources, Worker
from pie_deploy.domain.placement import Amount, Request, capacity, in_use, place, request_of
from pie_deploy.domain.records import Node
from pie_deploy.errors import InvalidArgumentError, RuntimeClassError, RuntimeFullError, RuntimeLockedError

GIB = 1 << 30


def _node(number: int, cpu: float = 4, memory_bytes: int = 8 * GIB, gpu: int = 0, lost_since_ns: int | None = None) -> Node:
    return Node(id=f"n-{number}", runtime_id="r-1", cpu=cpu, memory_bytes=memory_bytes, gpu=gpu, lost_since_ns=lost_since_ns)


def _request(vertex: str, cpu: float = 1, memory_bytes: int = GIB, gpu: int = 0, labels: tuple[str, ...] = ()) -> Request:
    return Request(vertex, Amount(cpu, memory_bytes, gpu), labels)


def test_the_largest_go_first_so_that_all_fit() -> None:
    runtime = a_runtime(nodes=(_node(1, cpu=4), _node(2, cpu=4)))
    requests = [_request("a", cpu=1), _request("b", cpu=3), _request("c", cpu=1), _request("d", cpu=3)]
    placement = place(requests, runtime, {}, 0)
    assert {placement.nodes["b"], placement.nodes["d"]} == {"n-1", "n-2"}


def test_what_others_use_is_not_there() -> None:
    runtime = a_runtime(nodes=(_node(1), _node(2)))
    assert place([_request("a", cpu=2)], runtime, {"n-1": Amount(cpu=3)}, 0).nodes == {"a": "n-2"}


def test_a_full_runtime_names_every_vertex_that_has_no_room() -> None:
    runtime = a_runtime(nodes=(_node(1, cpu=1),))
    with pytest.raises(RuntimeFullError) as refusal:
        place([_request("a", cpu=3), _request("b", cpu=1), _request("c", memory_bytes=9 * GIB)], runtime, {}, 0)
    assert {detail.subject for detail in refusal.value.details} == {"a", "c"}
    assert "3 cores" in refusal.value.details[-1].message


def test_a_missing_label_is_named_with_its_vertex() -> None:
    with pytest.raises(RuntimeClassError, match="vertex a needs the label 'tpu'"):
        place([_request("a", labels=("cpu", "tpu"))], a_runtime(), {}, 0)


def test_a_gpu_that_no_node_has_is_a_mismatch_of_class() -> None:
    with pytest.raises(RuntimeClassError, match="needs 2 GPU, the largest node has 1"):
        place([_request("a", gpu=2)], a_runtime(nodes=(_node(1, gpu=1), _node(2, gpu=1))), {}, 0)


def test_a_gpu_that_is_taken_is_a_full_runtime() -> None:
    with pytest.raises(RuntimeFullError):
        place([_request("a", gpu=1)], a_runtime(nodes=(_node(1, gpu=1),)), {"n-1": Amount(gpu=1)}, 0)


def test_all_reasons_come_at_once() -> None:
    runtime = a_runtime(nodes=(_node(1, cpu=1),), locked=True, draining=True, expires_at_ns=5)
    with pytest.raises(RuntimeLockedError) as refusal:
        place([_request("a", cpu=3), _request("b", labels=("tpu",))], runtime, {}, 10)
    codes = [detail.code for detail in refusal.value.details]
    assert codes == ["runtime_locked"] * 3 + ["runtime_class_mismatch", "runtime_full"]


def test_a_lost_node_takes_nothing() -> None:
    runtime = a_runtime(nodes=(_node(1, lost_since_ns=1), _node(2)))
    assert place([_request("a")], runtime, {}, 0).nodes == {"a": "n-2"}


def test_transformations_ask_for_next_to_nothing() -> None:
    assert request_of("zip", None).amount.fits(Amount(cpu=0.01, memory_bytes=64 << 20))


def test_a_component_asks_for_its_resources() -> None:
    resources = Resources(cpu=2, memory="1.5GiB", gpu=1, labels=("gpu",))
    request = request_of("a", ComponentManifest(name="a", worker=Worker(resources=resources)))
    assert request == Request("a", Amount(2, 3 * GIB // 2, 1), ("gpu",))


def test_an_amount_of_memory_without_a_unit_is_refused() -> None:
    with pytest.raises(InvalidArgumentError):
        request_of("a", ComponentManifest(name="a", worker=Worker(resources=Resources(memory="64"))))


def test_two_generations_of_a_deployment_count_as_the_larger() -> None:
    rows = [a_container("c-1", cpu=1.0, memory_bytes=5), a_container("c-2", generation=2, cpu=3.0, memory_bytes=2)]
    assert in_use(rows) == {"n-1": Amount(3.0, 5)}


def test_what_has_exited_for_good_uses_nothing() -> None:
    assert in_use([a_container(state="exited", cpu=1.0)]) == {}


_SMALL = st.builds(
    Amount, cpu=st.integers(0, 40).map(lambda tenths: tenths / 10), memory_bytes=st.integers(0, 8), gpu=st.integers(0, 2)
)


@given(st.lists(_SMALL, max_size=12), st.lists(_SMALL, min_size=1, max_size=4))
def test_no_node_is_ever_overfull_and_nobody_is_left_out(amounts: list[Amount], sizes: list[Amount]) -> None:
    nodes = tuple(_node(number, size.cpu, size.memory_bytes, size.gpu) for number, size in enumerate(sizes))
    requests = [Request(f"v{number}", amount) for number, amount in enumerate(amounts)]
    try:
        placement = place(requests, a_runtime(nodes=nodes), {}, 0)
    except (RuntimeFullError, RuntimeClassError):
        return
    assert placement.nodes.keys() == {request.vertex for request in requests}
    for node in nodes:
        there = [request.amount for request in requests if placement.nodes[request.vertex] == node.id]
        assert sum(there, Amount()).fits(capacity(node))


@given(st.lists(_SMALL, max_size=12))
def test_what_fits_on_one_node_is_always_placed(amounts: list[Amount]) -> None:
    total = sum(amounts, Amount())
    requests = [Request(f"v{number}", amount) for number, amount in enumerate(amounts)]
    place(requests, a_runtime(nodes=(_node(1, total.cpu, total.memory_bytes, total.gpu),)), {}, 0)
