"""Default mode: one message of each input, one result."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from component_modes import Bench

from pie_component.modes.default import DefaultMode
from pie_component.state import Checkpoint, Keeper
from pie_flow.envelope import Failure


def mode(bench: Bench, function: Any, **options: Any) -> DefaultMode:
    return DefaultMode(function, bench.queues, bench.emitter, bench.counters, **options)


def test_a_tick_takes_one_message_of_each_input() -> None:
    bench = Bench(inputs=2)
    bench.send(1, 2, 3)
    bench.send(10, 20, input=1)
    bench.settle(mode(bench, lambda left, right: left + right))
    assert bench.values == [11, 22]
    assert list(bench.queues[0]) == [(0, 3)]


def test_several_outputs_are_a_tuple() -> None:
    bench = Bench(outputs=("Int64", "String"))
    bench.send(1)
    bench.settle(mode(bench, lambda value: (value, str(value))))
    assert bench.shown == [(0, 0, 1), (1, 0, "1")]


def test_none_is_no_message() -> None:
    bench = Bench(outputs=("Int64", "String"))
    bench.send(1, 2)
    bench.settle(mode(bench, lambda value: (value, None) if value == 1 else None))
    assert bench.shown == [(0, 0, 1)]


def test_a_tuple_is_a_value_where_there_is_one_output() -> None:
    bench = Bench(outputs=("(Int64, Int64)",))
    bench.send(1)
    bench.settle(mode(bench, lambda value: (value, value)))
    assert bench.values == [(1, 1)]


def test_a_result_answers_the_request_of_its_messages() -> None:
    bench = Bench(inputs=2)
    bench.send(1, correlation=0)
    bench.send(1, correlation=9, input=1)
    bench.settle(mode(bench, lambda left, right: left + right))
    assert bench.shown == [(0, 9, 2)]


def test_a_generator_gives_one_result_per_tick() -> None:
    bench = Bench()
    bench.send(3, correlation=4)

    def count(value: int) -> Iterator[int]:
        yield from range(value)

    running = mode(bench, count)
    running.tick()
    assert bench.shown == []
    running.tick()
    assert bench.shown == [(0, 4, 0)]
    bench.settle(running)
    assert bench.values == [0, 1, 2]


def test_a_function_without_inputs_is_called_again_and_again() -> None:
    bench = Bench(inputs=0)
    bench.settle(mode(bench, iter(range(100)).__next__), ticks_max=5)
    assert bench.values == [0, 1, 2, 3, 4]


def test_a_source_is_done_with_its_generator() -> None:
    bench = Bench(inputs=0)

    def source() -> Iterator[int]:
        yield from (1, 2)

    running = mode(bench, source)
    bench.settle(running)
    assert bench.values == [1, 2]
    assert running.is_done


def test_a_source_that_raises_fails_as_a_whole() -> None:
    bench = Bench(inputs=0)
    with pytest.raises(ZeroDivisionError):
        mode(bench, lambda: 1 // 0).tick()


def test_what_raises_is_a_failure_of_its_message_alone() -> None:
    bench = Bench(outputs=("Int64", "Int64"))
    bench.send(0, 1, correlation=3)
    bench.settle(mode(bench, lambda value: (1 // value, 0)))
    failure = Failure("vertex", "ZeroDivisionError: integer division or modulo by zero")
    assert bench.shown == [(0, 3, failure), (1, 3, failure), (0, 3, 1), (1, 3, 0)]
    assert (bench.counters.ticks, bench.counters.failures) == (2, 1)


@pytest.mark.parametrize(
    ("outputs", "result"),
    [
        pytest.param(("Int64",), "text", id="another-type"),
        pytest.param(("Int64", "Int64"), (1, 2, 3), id="too-many"),
        pytest.param(("Int64", "Int64"), 1, id="no-tuple"),
        pytest.param(("Int64", "Int64"), (1, "text"), id="one-part-of-another-type"),
        pytest.param(("Int32",), 1 << 40, id="out-of-range"),
    ],
)
def test_a_result_that_is_not_of_its_types_is_a_failure(outputs: tuple[str, ...], result: Any) -> None:
    bench = Bench(outputs=outputs)
    bench.send(1)
    bench.settle(mode(bench, lambda value: result))
    assert [type(value) for value in bench.values] == [Failure] * len(outputs)
    assert "ResultError: the result" in bench.values[0].message


def test_a_failure_passes_without_a_call_and_keeps_joins_in_step() -> None:
    bench = Bench(inputs=2)
    failure = Failure("before", "no")
    bench.send(failure, 2, correlation=5)
    bench.send(10, 20, input=1)
    bench.settle(mode(bench, lambda left, right: left + right))
    assert bench.values == [failure, 22]
    assert bench.counters.ticks == 1


def test_a_message_of_a_keyword_is_passed_by_its_name() -> None:
    bench = Bench(inputs=2)
    bench.send(1)
    bench.send(5, input=1)
    bench.settle(mode(bench, lambda value, *, virtual_input: value - virtual_input, keywords=("virtual_input",)))
    assert bench.values == [-4]


def test_the_last_part_of_a_result_goes_to_the_virtual_output() -> None:
    pushed: list[Any] = []
    bench = Bench(push=pushed.append)
    bench.send(1)
    bench.settle(mode(bench, lambda value: (value, {"seen": value})))
    assert (bench.values, pushed) == ([1], [{"seen": 1}])


def add(value: int, *, state: int) -> dict[str, int]:
    return {"output": state + value, "state": state + value}


def test_the_state_goes_from_tick_to_tick_and_over_a_restart(tmp_path: Path) -> None:
    bench = Bench()
    bench.send(1, 2)
    bench.settle(mode(bench, add, keeper=Keeper(Checkpoint(tmp_path), 10)))
    assert bench.values == [11, 13]
    again = Bench()
    again.send(1)
    again.settle(mode(again, add, keeper=Keeper(Checkpoint(tmp_path), 10)))
    assert again.values == [14]


def test_the_state_is_on_disk_before_the_output_leaves(tmp_path: Path) -> None:
    bench = Bench()
    saved: list[Any] = []
    bench.emitter.outputs[0].listeners.append(lambda *_: saved.append(Checkpoint(tmp_path).load(None)))
    bench.send(1)
    bench.settle(mode(bench, add, keeper=Keeper(Checkpoint(tmp_path), 10)))
    assert saved == [11]


def test_a_stateful_function_that_raises_keeps_its_state(tmp_path: Path) -> None:
    bench = Bench()

    def divide(value: int, *, state: int) -> dict[str, int]:
        return {"output": state // value, "state": state + 1}

    bench.send(0, 1)
    bench.settle(mode(bench, divide, keeper=Keeper(Checkpoint(tmp_path), 10)))
    assert bench.values[1] == 10


def test_a_stateful_result_has_exactly_its_two_parts(tmp_path: Path) -> None:
    bench = Bench()
    bench.send(1)
    bench.settle(mode(bench, lambda value, state: value, keeper=Keeper(Checkpoint(tmp_path), 0)))
    assert '{"output": …, "state": …}' in bench.values[0].message
