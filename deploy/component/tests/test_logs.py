"""What is held back from the log."""

import pytest
from component_modes import Bench

from pie_component.logs import Throttle, trace
from pie_component.modes.default import DefaultMode


def test_so_many_come_through_each_second_and_the_rest_is_told() -> None:
    now_s = 0.0
    throttle = Throttle(2, lambda: now_s)
    assert [throttle.admit() for _ in range(5)] == [0, 0, None, None, None]
    now_s = 1.5
    assert [throttle.admit() for _ in range(3)] == [3, 0, None]


def test_a_component_that_fails_at_everything_does_not_flood_its_log(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    bench.send(*range(1000))
    bench.settle(DefaultMode(lambda value: 1 // 0, bench.queues, bench.emitter, bench.counters))
    assert bench.counters.failures == len(bench.values) == 1000
    assert 0 < len(caplog.records) < 500


def test_a_trace_names_requests_but_no_values() -> None:
    assert trace([0, 5, 6], 100) == "3 messages, 100 bytes, requests [5, 6]"
    assert trace([0], 8) == "1 messages, 8 bytes"
