"""Connections that break, and what becomes of requests and processes."""

import asyncio
import random

import pytest

from fake_engine import PATIENCE_S, FakeEngine, until
from pie_client import (
    NEVER,
    ConnectionLostError,
    Event,
    LoginError,
    NotConnectedError,
    PieClient,
    ProtocolError,
    Reconnect,
    limits,
)
from pie_client.limits import INCOMING_FRAME_BYTES_MAX
from pie_client.websocket import CLOSED
from pie_wire import messages


async def test_a_request_that_was_sent_and_not_answered_fails(client: PieClient, engine: FakeEngine) -> None:
    engine.silent = True
    pinging = asyncio.create_task(client.ping())
    await until(lambda: isinstance(engine.got[-1], messages.Ping))
    engine.silent = False
    await engine.drop()
    with pytest.raises(ConnectionLostError, match="before the engine answered"):
        await pinging


async def test_after_that_the_client_works_again(client: PieClient, engine: FakeEngine) -> None:
    await engine.drop()
    await until(lambda: client.statistics().reconnections == 1)
    await client.ping()
    assert engine.sessions[0].username == "alice"


async def test_requests_wait_while_there_is_no_connection(client: PieClient, engine: FakeEngine) -> None:
    engine.refusing = True
    await engine.drop()
    await until(lambda: client.statistics().state == "recovering")
    pinging = asyncio.create_task(client.ping())
    await asyncio.sleep(0.05)
    assert not pinging.done()
    engine.refusing = False
    await asyncio.wait_for(pinging, PATIENCE_S)


async def test_a_process_goes_on_without_loss_or_duplicates(client: PieClient, engine: FakeEngine) -> None:
    process = await client.launch_process("converse")
    await process.recv()
    engine.refusing = True
    await engine.drop()
    behind = engine.processes[process.process_id]
    for number in range(3):
        behind.signals.put_nowait(str(number))
    await until(lambda: len(behind.waiting) == 3)
    engine.refusing = False
    assert [(await process.recv()).value for _ in range(3)] == ["0", "1", "2"]
    await process.signal("end")
    assert await process.result() == "bye"


async def test_a_process_that_ended_meanwhile_still_gives_its_result(client: PieClient, engine: FakeEngine) -> None:
    process = await client.launch_process("converse")
    engine.refusing = True
    await engine.drop()
    engine.processes[process.process_id].signals.put_nowait("end")
    await until(lambda: engine.processes[process.process_id].ended)
    engine.refusing = False
    assert await process.result() == "bye"


async def test_a_process_that_is_gone_gets_an_error(client: PieClient, engine: FakeEngine) -> None:
    process = await client.launch_process("converse")
    await process.recv()
    engine.processes.clear()
    await engine.drop()
    assert await process.recv() == (Event.Error, "lost with the connection: Process not found")


async def test_an_engine_that_has_not_noticed_is_asked_again(client: PieClient, engine: FakeEngine) -> None:
    process = await client.launch_process("converse")
    await process.recv()
    behind = engine.processes[process.process_id]
    ghost = behind.session
    await engine.drop()
    behind.session = ghost
    await until(lambda: sum(isinstance(message, messages.AttachProcess) for message in engine.got) > 1)
    behind.session = None
    await until(lambda: behind.session is not None)
    await process.signal("back")
    assert (await process.recv()).value == "back"


async def test_half_a_file_does_not_spoil_the_next(client: PieClient, engine: FakeEngine) -> None:
    process = await client.launch_process("converse")
    await process.recv()
    behind = engine.processes[process.process_id]
    await behind.give(messages.File(process.process_id, "0" * 64, 0, 2, b"half"))
    await engine.drop()
    await behind.give_file(b"whole")
    assert (await process.recv()).value == b"whole"


async def test_a_lost_connection_is_told_to_who_waits_for_events_if_it_is_not_made_again(engine: FakeEngine) -> None:
    async with PieClient(engine.uri, reconnect=NEVER) as client:
        process = await client.launch_process("converse")
        await process.recv()
        await engine.drop()
        assert await process.recv() == (Event.Error, CLOSED)
        with pytest.raises(NotConnectedError, match=CLOSED):
            await client.ping()


async def test_attempts_are_bounded(engine: FakeEngine) -> None:
    async with PieClient(engine.uri, reconnect=Reconnect(attempts_max=3, first_s=0.001)) as client:
        engine.refusing = True
        await engine.drop()
        await until(lambda: client.statistics().state == "closed")


async def test_an_engine_that_breaks_every_new_connection_is_given_up(engine: FakeEngine) -> None:
    async with PieClient(engine.uri, reconnect=Reconnect(attempts_max=5, first_s=0.001)) as client:
        while client.statistics().state != "closed":
            await engine.drop()
            await asyncio.sleep(0.001)
        assert engine.sessions_ever <= 6


async def test_a_login_that_is_no_longer_good_ends_it(client: PieClient, engine: FakeEngine) -> None:
    process = await client.launch_process("converse")
    await process.recv()
    engine.require_key = True
    await engine.drop()
    event, value = await process.recv()
    assert event is Event.Error
    assert "no private key" in str(value)
    with pytest.raises(NotConnectedError, match="no private key"):
        await client.ping()


async def test_an_engine_that_says_nothing_at_all_is_left(
    client: PieClient, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PING_TIMEOUT_S", 0.05)
    monkeypatch.setattr(limits, "PING_INTERVAL_S", 0.05)
    await engine.drop()  # the first interval has begun already
    await until(lambda: client.statistics().reconnections == 1)
    engine.sessions[0].socket.transport.pause_reading()
    await until(lambda: client.statistics().reconnections > 1)
    monkeypatch.undo()
    await client.ping()


async def test_an_engine_that_does_not_let_us_in_again_is_tried_again(
    client: PieClient, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "RESTORE_TIMEOUT_S", 0.05)
    engine.silent = True
    await engine.drop()
    await until(lambda: engine.sessions_ever > 2)
    monkeypatch.undo()
    engine.silent = False
    await client.ping()


async def test_closing_while_reconnecting_ends_it(engine: FakeEngine) -> None:
    client = PieClient(engine.uri)
    await client.connect()
    engine.refusing = True
    await engine.drop()
    await until(lambda: client.statistics().state == "recovering")
    pinging = asyncio.create_task(client.ping())
    await client.close()
    with pytest.raises(NotConnectedError):
        await pinging


async def test_garbage_is_counted_and_ignored(client: PieClient, engine: FakeEngine) -> None:
    for garbage in (b"", b"\xc1", b"\x80", b"\x00" * 1000, b"text"):
        await engine.sessions[0].socket.send(garbage)
    await engine.sessions[0].socket.send("text frames are not for us")
    await client.ping()
    assert client.statistics().unreadable_frames == 5


async def test_a_garbled_answer_fails_its_request_only(client: PieClient, engine: FakeEngine) -> None:
    engine.silent = True
    pinging = asyncio.create_task(client.ping())
    await until(lambda: isinstance(engine.got[-1], messages.Ping))
    ping = engine.got[-1]
    assert isinstance(ping, messages.Ping)
    engine.silent = False
    await engine.sessions[0].socket.send(b"\x82\xa4type\xa8response\xa7corr_id" + bytes([ping.corr_id]))
    with pytest.raises(ProtocolError):
        await pinging
    await client.ping()


async def test_a_frame_that_is_too_large_costs_the_connection_and_no_more(client: PieClient, engine: FakeEngine) -> None:
    process = await client.launch_process("converse")
    await process.recv()
    await engine.sessions[0].socket.send(bytes(INCOMING_FRAME_BYTES_MAX + 1))
    await until(lambda: client.statistics().reconnections == 1)
    await process.signal("end")
    assert await process.result() == "bye"


def test_pauses_grow_to_a_longest_and_end() -> None:
    pauses = list(Reconnect(attempts_max=6, first_s=1, factor=2, longest_s=5).pauses(random.Random(1)))
    for pause_s, longest_s in zip(pauses, (1, 2, 4, 5, 5, 5), strict=True):
        assert longest_s / 2 <= pause_s <= longest_s


def test_an_engine_that_is_away_for_half_a_minute_is_waited_for() -> None:
    assert 10 < sum(Reconnect().pauses(random.Random(1))) < 60


def test_a_login_error_is_not_a_connection_error() -> None:
    assert not issubclass(LoginError, ConnectionError)
