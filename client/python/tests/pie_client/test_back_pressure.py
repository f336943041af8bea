"""A reader that does not read: bounded memory, nothing lost, others not hindered."""

import asyncio

import pytest

from fake_engine import FakeEngine, until
from pie_client import Event, PieClient
from pie_client.backlog import Backlog
from pie_client.events import ProcessEvent
from pie_client.files import ReceivedFile
from pie_client.inbox import Flow, Inbox
from pie_client.limits import BACKLOG_BYTES_MAX, BACKLOG_EVENTS_MAX, HELD_BYTES_MAX


def message(length: int = 0) -> ProcessEvent:
    return ProcessEvent(Event.Message, "x" * length)


def filled(flow: Flow) -> Inbox:
    inbox = Inbox(flow)
    inbox.put(message(BACKLOG_BYTES_MAX))
    return inbox


async def is_readable(flow: Flow) -> bool:
    try:
        async with asyncio.timeout(0):
            await flow.readable()
    except TimeoutError:
        return False
    return True


def test_a_backlog_is_full_by_events_and_by_bytes() -> None:
    many, large = Backlog(), Backlog()
    for _ in range(BACKLOG_EVENTS_MAX - 1):
        many.put(message())
    assert not many.full
    many.put(message())
    large.put(ProcessEvent(Event.File, ReceivedFile(bytes(BACKLOG_BYTES_MAX))))
    assert many.full
    assert large.full


def test_a_backlog_is_empty_again_when_all_was_taken() -> None:
    backlog = Backlog()
    backlog.put(message(3))
    backlog.put(ProcessEvent(Event.Return, "x"))
    backlog.put(message(5))
    assert [event.event for event in iter(backlog.take, None)] == [Event.Message, Event.Return]
    assert backlog.size_bytes == 0


async def test_a_full_inbox_stops_the_reading_and_room_starts_it() -> None:
    flow = Flow()
    inbox = filled(flow)
    assert not await is_readable(flow)
    inbox.take()
    assert await is_readable(flow)


async def test_whoever_waits_for_something_keeps_the_reading_going() -> None:
    flow = Flow()
    inbox = filled(flow)
    with flow.wanted():
        assert await is_readable(flow)
    assert not await is_readable(flow)
    assert inbox.size_bytes


async def test_but_not_beyond_a_bound() -> None:
    flow = Flow()
    inboxes = [filled(flow) for _ in range(HELD_BYTES_MAX // BACKLOG_BYTES_MAX)]
    with flow.wanted():
        assert not await is_readable(flow)
        inboxes.pop().take()
        assert await is_readable(flow)


async def test_an_inbox_that_nobody_holds_stops_nobody() -> None:
    flow = Flow()
    inbox = filled(flow)
    del inbox
    with flow.wanted():
        pass
    assert await is_readable(flow)


async def test_an_unread_process_holds_a_bounded_number_of_events_here(client: PieClient, engine: FakeEngine) -> None:
    process = await client.launch_process("count", {"to": 100_000, "length": 200})
    await until(lambda: client._connection._flow.stops == 1)
    assert process._inbox is not None
    assert process._inbox.size_bytes < 2 * BACKLOG_BYTES_MAX
    assert client.statistics().frames < BACKLOG_EVENTS_MAX + 10
    assert not engine.processes[process.process_id].ended
    expected = 0
    async for event, value in process:
        if event is Event.Message:
            assert int(str(value)) == expected
            expected += 1
    assert expected == 100_000


async def test_other_requests_are_answered_while_one_process_is_not_read(client: PieClient) -> None:
    silent = await client.launch_process("count", {"to": 20_000, "length": 100})
    await until(lambda: client._connection._flow.stops == 1)
    await client.ping()
    assert await (await client.launch_process("echo", {"a": 1})).result() == {"a": 1}
    assert await silent.result() == "done"


async def test_a_stopped_connection_is_not_taken_for_a_dead_one(client: PieClient, monkeypatch: pytest.MonkeyPatch) -> None:
    process = await client.launch_process("count", {"to": 10_000})
    await until(lambda: client._connection._flow.stops == 1)
    assert await process.result() == "done"
    assert client.statistics().reconnections == 0
