"""Transformations between their queues."""

from component_modes import Bench

from pie_component.modes.transformation import TransformationMode
from pie_flow.envelope import Failure
from pie_flow.transformations import TRANSFORMATIONS


def mode(bench: Bench, name: str, **literals: str) -> TransformationMode:
    return TransformationMode(TRANSFORMATIONS[name].start(literals), bench.queues, bench.emitter, bench.counters)


def test_a_join_waits_for_all_its_parts() -> None:
    bench = Bench(inputs=2, outputs=("(Int64, Int64)",))
    joined = mode(bench, "zip")
    bench.send(1, 2)
    bench.settle(joined)
    assert bench.shown == []
    bench.send(10, input=1, correlation=4)
    bench.settle(joined)
    assert bench.shown == [(0, 4, (1, 10))]


def test_a_join_answers_the_request_of_an_earlier_part() -> None:
    bench = Bench(inputs=2, outputs=("(Int64, Int64)",))
    bench.send(1, correlation=4)
    bench.send(10, input=1)
    bench.settle(mode(bench, "zip"))
    assert bench.shown == [(0, 4, (1, 10))]


def test_a_failure_keeps_a_join_in_step() -> None:
    bench = Bench(inputs=2, outputs=("(Int64, Int64)",))
    failure = Failure("before", "no")
    bench.send(failure, 2, correlation=4)
    bench.send(10, 20, input=1)
    bench.settle(mode(bench, "zip"))
    assert bench.shown == [(0, 4, failure), (0, 4, (2, 20))]


def test_delay_one_begins_with_its_value() -> None:
    bench = Bench()
    delayed = mode(bench, "delay_one", type='"Int64"', value="7")
    bench.send(1)
    bench.settle(delayed)
    assert bench.values == [7, 1]


def test_a_merge_takes_from_all_inputs_in_turn() -> None:
    bench = Bench(inputs=2)
    bench.send(1, 2)
    bench.send(10, 20, input=1)
    bench.settle(mode(bench, "merge"))
    assert bench.values == [1, 10, 2, 20]
