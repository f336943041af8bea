"""Credit: the two ends' books, without sockets."""

from hypothesis import given
from hypothesis import strategies as st

from pie_component.edges.window import Intake, Outflow
from pie_flow.envelope import Batch, End, Open


def batch(session: int, sequence: int, count: int, size_bytes: int = 10) -> Batch:
    return Batch(session, sequence, [0] * count, [None] * count, size_bytes)


def meet(window_messages: int = 8, window_bytes: int = 1000) -> tuple[Outflow, Intake]:
    outflow, intake = Outflow(1), Intake(2, window_messages=window_messages, window_bytes=window_bytes)
    intake.opened(Open(1))
    outflow.granted(intake.grant(0))
    return outflow, intake


def carry(outflow: Outflow, intake: Intake, count: int, size_bytes: int = 10, correlations: tuple[int, ...] = ()) -> bool:
    sent = batch(outflow.consumer, outflow.sequence, count, size_bytes)
    outflow.sent(count, size_bytes, correlations)
    return intake.received(sent)


def test_nothing_may_be_sent_before_a_grant() -> None:
    assert not Outflow(1).may_send


def test_an_edge_is_over_when_its_producer_says_so_or_there_is_none() -> None:
    intake = Intake(2)
    assert intake.is_over
    intake.opened(Open(1))
    intake.ended(End(7))
    assert not intake.is_over
    intake.ended(End(1))
    assert intake.is_over
    intake.opened(Open(3))
    assert not intake.is_over


def test_messages_are_sent_until_the_window_is_full() -> None:
    outflow, intake = meet(window_messages=8)
    while outflow.may_send:
        assert carry(outflow, intake, 3)
    assert intake.messages == 9


def test_bytes_fill_the_window_too() -> None:
    outflow, intake = meet(window_bytes=100)
    while outflow.may_send:
        carry(outflow, intake, 1, size_bytes=60)
    assert intake.messages == 2


def test_what_is_taken_may_be_sent_again() -> None:
    outflow, intake = meet(window_messages=8)
    carry(outflow, intake, 8)
    assert not outflow.may_send
    outflow.granted(intake.grant(queued=7))
    assert outflow.may_send


def test_an_old_grant_takes_nothing_back() -> None:
    outflow, intake = meet(window_messages=8)
    early = intake.grant(0)
    carry(outflow, intake, 8)
    outflow.granted(intake.grant(0))
    outflow.granted(early)
    assert outflow.may_send


def test_a_new_consumer_means_that_what_was_under_way_is_lost() -> None:
    outflow, intake = meet()
    carry(outflow, intake, 2, correlations=(7, 0))
    outflow.granted(intake.grant(0))
    carry(outflow, intake, 3, correlations=(8, 0, 9))
    after = Intake(3)
    after.opened(Open(1))
    assert outflow.granted(after.grant(0)) == [8, 9]
    assert (outflow.lost, outflow.sequence, outflow.messages) == (3, 0, 5)


def test_a_batch_for_an_earlier_process_is_refused() -> None:
    _, intake = meet()
    assert not intake.received(batch(session=99, sequence=0, count=1))


def test_a_batch_that_came_already_is_refused() -> None:
    outflow, intake = meet()
    assert carry(outflow, intake, 2)
    assert not intake.received(batch(session=2, sequence=0, count=2))


def test_a_gap_is_counted_as_lost() -> None:
    _, intake = meet()
    intake.received(batch(session=2, sequence=5, count=1))
    assert intake.lost == 5


def test_a_new_producer_begins_to_count_at_zero() -> None:
    outflow, intake = meet()
    carry(outflow, intake, 5)
    intake.opened(Open(11))
    again = Outflow(11)
    again.granted(intake.grant(queued=5))
    assert carry(again, intake, 1)
    assert intake.lost == 0


def test_a_grant_is_due_after_a_quarter_of_the_window() -> None:
    outflow, intake = meet(window_messages=8)
    carry(outflow, intake, 2)
    assert not intake.is_due(queued=1)
    assert intake.is_due(queued=0)
    assert not intake.is_settled(queued=0)
    intake.grant(queued=0)
    assert intake.is_settled(queued=0)


@given(st.lists(st.tuples(st.sampled_from(["send", "take", "grant", "lose"]), st.integers(1, 5)), max_size=60))
def test_whatever_happens_no_more_than_the_window_and_a_batch_is_queued(steps: list[tuple[str, int]]) -> None:
    outflow, intake = meet(window_messages=8)
    queued = taken = 0
    for step, count in steps:
        if step == "send" and outflow.may_send:
            assert carry(outflow, intake, count)
            queued += count
        elif step == "take":
            taken += min(count, queued)
            queued -= min(count, queued)
        elif step == "grant":
            outflow.granted(intake.grant(queued))
        elif step == "lose":
            intake.grant(queued)
        assert queued < 8 + 5
        assert outflow.under_way >= queued
    outflow.granted(intake.grant(queued))
    assert outflow.under_way == queued
    assert intake.lost == 0
