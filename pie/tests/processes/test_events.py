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


def taken(queue: EventQueue) -> list[str]:
    values = []
    while (event := queue.take()) is not None:
        values.append(event.value)
    return values


def test_a_queue_that_keeps_the_newest_always_has_room_and_counts_what_it_drops() -> None:
    queue = EventQueue(events_max=2, characters_max=100)
    queue.keep("newest")
    for text in "abcd":
        assert queue.room() > 0
        queue.put(message(text))
    assert (queue.take_dropped(), queue.take_dropped()) == (2, 0)
    assert taken(queue) == ["c", "d"]


def test_the_newest_is_kept_even_if_it_alone_is_too_large() -> None:
    queue = EventQueue(events_max=2, characters_max=3)
    queue.keep("newest")
    queue.put(message("a"))
    queue.put(message("long"))
    assert taken(queue) == ["long"]


def test_a_queue_that_keeps_the_last_has_nothing_until_it_ends() -> None:
    queue = EventQueue(events_max=2, characters_max=100)
    queue.put(message("before"))
    queue.keep("last")
    queue.put(message("a"))
    assert queue.is_empty
    queue.put(ProcessEvent("return", "done"))
    assert taken(queue) == ["done"]


def test_whoever_waits_for_room_is_told_when_it_need_not_wait_any_more() -> None:
    queue = EventQueue(events_max=1, characters_max=100)
    queue.put(message("a"))
    told: list[bool] = []
    queue.on_room = lambda: told.append(True)
    queue.keep("newest")
    assert told == [True]


def test_an_event_that_is_given_back_is_the_next_one() -> None:
    queue = EventQueue(events_max=8, characters_max=100)
    for text in "ab":
        queue.put(message(text))
    event = queue.take()
    assert event is not None
    queue.give_back(event)
    assert queue.characters == 2
    assert taken(queue) == ["a", "b"]


def test_a_queue_that_has_ended_and_is_empty_tells_nobody_any_more() -> None:
    """So that nothing refers to nothing in a circle: an ended process is freed without the garbage collector."""
    queue = EventQueue(events_max=8, characters_max=100)
    told: list[bool] = []
    queue.on_event = queue.on_room = lambda: told.append(True)
    queue.put(ProcessEvent("return", "done"))
    told.clear()
    queue.take()
    queue.on_event()
    queue.on_room()
    assert told == []


@given(st.lists(st.sampled_from(["put", "take", "all", "newest"]), max_size=60))
def test_whatever_is_kept_the_bounds_hold_and_the_order_too(steps: list[str]) -> None:
    queue = EventQueue(events_max=3, characters_max=30)
    put = dropped = 0
    got: list[int] = []
    for step in steps:
        if step == "put" and queue.room():
            queue.put(message(str(put)))
            put += 1
        elif step == "take" and (event := queue.take()):
            got.append(int(event.value))
        elif step in ("all", "newest"):
            queue.keep(step)
        dropped += queue.take_dropped()
        assert queue.statistics().events <= 3
        assert put == dropped + len(got) + queue.statistics().events
    assert got == sorted(set(got))
