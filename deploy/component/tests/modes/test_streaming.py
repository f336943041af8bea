"""Streaming mode: the function says what it wants next."""

from typing import Any

import pytest
from component_modes import Bench

from pie_component.errors import ResultError
from pie_component.modes.streaming import StreamingMode, alternatives, first_met
from pie_flow.envelope import Failure


def mode(bench: Bench, function: Any, initial: Any, **options: Any) -> StreamingMode:
    return StreamingMode(function, bench.queues, bench.emitter, bench.counters, initial, **options)


def answer(output: Any, pull_request: Any) -> dict[str, Any]:
    return {"output": output, "pull_request": pull_request}


def test_the_function_gets_as_many_messages_as_it_asked_for() -> None:
    bench = Bench(inputs=2, outputs=("Int64",))
    bench.send(1, 2, 3, 4)
    bench.send(10, 20, input=1)
    bench.settle(mode(bench, lambda left, right: answer([sum(left) + sum(right)], (1, 1)), (2, 1)))
    assert bench.values == [13, 23]
    assert list(bench.queues[0]) == [(0, 4)]


def test_the_first_alternative_that_can_be_met_is_taken() -> None:
    bench = Bench(inputs=2, outputs=("[Int64]",))
    bench.send(1, 2, 3)
    bench.send(10, input=1)
    bench.settle(mode(bench, lambda left, right: answer([left + right], (9, 9)), [(2, 3), (3, 1)]))
    assert bench.values == [[1, 2, 3, 10]]


def test_none_takes_whatever_is_there_once_something_is() -> None:
    bench = Bench(outputs=("[Int64]",))
    running = mode(bench, lambda values: answer([values], (None,)), (None,))
    assert not running.tick()
    bench.send(1, 2, 3)
    bench.settle(running)
    assert bench.values == [[1, 2, 3]]


def test_a_request_for_nothing_is_met_at_once() -> None:
    bench = Bench(inputs=0)
    bench.settle(mode(bench, lambda: answer([1, 2], ()), ()), ticks_max=2)
    assert bench.values == [1, 2, 1, 2]


def test_values_answer_the_request_of_the_only_message_that_had_one() -> None:
    bench = Bench()
    bench.send(1)
    bench.send(2, correlation=6)
    bench.settle(mode(bench, lambda values: answer([7, 8, 9], (2,)), (2,)))
    assert bench.shown == [(0, 6, 7), (0, 6, 8), (0, 6, 9)]


def test_as_many_values_as_messages_answer_one_request_each() -> None:
    bench = Bench()
    bench.send(1, correlation=5)
    bench.send(2, correlation=6)
    bench.settle(mode(bench, lambda values: answer(values, (2,)), (2,)))
    assert bench.shown == [(0, 5, 1), (0, 6, 2)]


def test_a_failure_overtakes_and_is_not_counted() -> None:
    bench = Bench(outputs=("[Int64]",))
    failure = Failure("before", "no")
    bench.send(1, failure, 2)
    bench.settle(mode(bench, lambda values: answer([values], (2,)), (2,)))
    assert bench.values == [failure, [1, 2]]


def test_a_function_that_raises_is_asked_again_for_the_same() -> None:
    bench = Bench()
    bench.send(0, 1, correlation=2)
    bench.settle(mode(bench, lambda values: answer([1 // values[0]], (1,)), (1,)))
    assert [type(value) for value in bench.values] == [Failure, int]


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param((1,), id="too-short"),
        pytest.param((1, -1), id="negative"),
        pytest.param((1, True), id="no-number"),
        pytest.param(3, id="no-tuple"),
        pytest.param([], id="no-alternative"),
    ],
)
def test_a_pull_request_that_makes_no_sense_is_refused(request_: Any) -> None:
    with pytest.raises(ResultError):
        alternatives(request_, 2)


def test_an_output_gets_a_list() -> None:
    bench = Bench()
    bench.send(1)
    bench.settle(mode(bench, lambda values: answer(5, (1,)), (1,)))
    assert "an output gets a list" in bench.values[0].message


def test_what_is_asked_for_may_not_be_there() -> None:
    bench = Bench()
    assert first_met([(1,)], bench.queues) is None
