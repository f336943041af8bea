"""The event queue keeps order and stays bounded."""

from hypothesis import given
from hypothesis import strategies as st

from pie.processes.events import EventQueue, ProcessEvent


def message(text: str) -> ProcessEvent:
    return ProcessEvent("message", text)


def test_events_come_out_in_the_order_they_went_in() -> None:
    queue = EventQueue(events_max=8, characters_max=100)
    for text in ("a", "b", "c"):
        queue.put(message(text))
    assert [queue.take(), queue.take(), queue.take(), queue.take()] == [message("a"), message("b"), message("c"), None]


def test_a_full_queue_has_no_room_until_something_is_taken() -> None:
    queue = EventQueue(events_max=2, characters_max=100)
    woken: list[bool] = []
    queue.on_room = lambda: woken.append(True)
    queue.put(message("a"))
    queue.put(message("b"))
    assert queue.room() == 0
    queue.take()
    assert queue.room() > 0
    assert woken == [True]


def test_size_counts_as_well_as_number() -> None:
    queue = EventQueue(events_max=100, characters_max=10)
    queue.put(message("x" * 10))
    assert queue.room() == 0


def test_the_terminal_event_always_fits_and_is_the_last() -> None:
    queue = EventQueue(events_max=1, characters_max=1)
    queue.put(message("a"))
    queue.put(ProcessEvent("return", "done"))
    queue.put(message("too late"))
    assert queue.take() == message("a")
    assert queue.take() == ProcessEvent("return", "done")
    assert queue.take() is None


@given(st.lists(st.text(max_size=20)), st.integers(1, 5), st.integers(1, 50))
def test_a_producer_that_asks_for_room_never_overshoots_by_more_than_one_event(
    texts: list[str], events_max: int, characters_max: int
) -> None:
    queue = EventQueue(events_max, characters_max)
    taken: list[str] = []
    for text in texts:
        while queue.room() == 0:
            event = queue.take()
            assert event is not None
            taken.append(event.value)
        queue.put(message(text))
        statistics = queue.statistics()
        assert statistics.events <= events_max
        assert statistics.characters < characters_max + 20
    while (event := queue.take()) is not None:
        taken.append(event.value)
    assert taken == texts
