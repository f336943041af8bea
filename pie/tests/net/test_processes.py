"""Launching processes, and what reaches their client."""

import asyncio
import json

import pytest

from engine_fakes.dummy_engine import program
from net_fakes.client import Client, FakeLibrary
from pie.config.config import LimitsConfig
from pie.host.guest import Guest
from pie.net.hub import Hub
from pie.processes.events import ProcessEvent
from pie_wire.limits import FRAME_BYTES_MAX
from pie_wire.messages import (
    LaunchProcess,
    LaunchProcesses,
    ListProcesses,
    Ping,
    Response,
    RunProcesses,
    SignalProcess,
    TerminateProcess,
)
from pie_wire.messages import ProcessEvent as EventMessage


async def test_a_process_is_launched_and_its_return_comes_after_the_answer(hub: Hub) -> None:
    ada = await Client(hub).log_in()
    process_id = await ada.launch(text='{"a": 1}')
    events = await ada.ended(process_id)
    assert events == [EventMessage(process_id, "return", '{"a": 1}')]
    assert ada.received.index(events[0]) > ada.received.index(Response(2, True, process_id))
    assert len(hub.held) == 0


async def test_the_outputs_of_an_uncaptured_process_are_dropped(hub: Hub) -> None:
    ada = await Client(hub).log_in()
    assert (await ada.ask(lambda n: LaunchProcess(n, "talks", "100", capture_outputs=False))).result == ""
    (process,) = hub.engine.processes("ada")
    while process.events.statistics().events or process.state != "running":
        await asyncio.sleep(0)
    hub.engine.terminate(process.id)
    while hub.engine.processes():
        await asyncio.sleep(0)
    assert all(isinstance(message, Response) for message in ada.received)
    assert len(hub.held) == 0


async def test_several_processes_are_launched_at_once(hub: Hub) -> None:
    ada = await Client(hub).log_in()
    ids = json.loads((await ada.ask(lambda n: LaunchProcesses(n, "echo", ["1", "2"], True))).result)
    assert [(await ada.ended(one))[-1].value for one in ids] == ["1", "2"]


@pytest.mark.parametrize("limits", [LimitsConfig(processes_per_user=200, kept_results=1)])
async def test_what_ends_before_all_are_launched_is_heard_after_the_answer(hub: Hub) -> None:
    ada = await Client(hub).log_in()
    answer = await ada.ask(lambda n: LaunchProcesses(n, "echo", [str(number) for number in range(100)], True))
    assert ada.received[1] == answer
    ids = json.loads(answer.result)
    assert [(await ada.ended(one))[-1].value for one in ids] == [str(number) for number in range(100)]
    hub.held.check()
    assert (len(hub.held), hub.statistics().kept_results) == (0, 0)


async def test_budgets_must_match_the_inputs(hub: Hub) -> None:
    ada = await Client(hub).log_in()
    answer = await ada.ask(lambda n: RunProcesses(n, "echo", ["1", "2"], [7]))
    assert answer == Response(2, False, "token_budgets length 1 does not match inputs length 2")


async def test_processes_launched_before_one_that_could_not_be_can_be_attached_to(hub: Hub) -> None:
    ada = await Client(hub).log_in()
    answer = await ada.ask(lambda n: LaunchProcesses(n, "waits", ["{}"] * 51, True))
    assert not answer.ok
    assert len(hub.engine.processes("ada")) == 50
    assert all(process.id in answer.result for process in hub.engine.processes("ada"))
    assert all(process.events.room() > 0 for process in hub.engine.processes("ada"))
    hub.held.check()
    assert hub.statistics().attached == 0


async def test_run_processes_answers_with_all_results_in_their_order(hub: Hub) -> None:
    ada = await Client(hub).log_in()
    answer = await ada.ask(lambda n: RunProcesses(n, "echo", ["1", "2", "3"]))
    assert answer.ok
    assert json.loads(answer.result) == ["1", "2", "3"]
    assert all(isinstance(message, Response) for message in ada.received)


async def test_the_first_failure_answers_a_run_and_ends_the_rest_of_it(hub: Hub, library: FakeLibrary) -> None:
    async def fails_on_two(guest: Guest) -> str:
        if guest.process.input != "2":
            await asyncio.sleep(3600)
        raise ValueError

    library.programs["two"] = program(fails_on_two)
    ada = await Client(hub).log_in()
    answer = await ada.ask(lambda n: RunProcesses(n, "two", ["1", "2"]))
    assert not answer.ok
    while hub.engine.processes():
        await asyncio.sleep(0)


async def test_a_run_that_takes_long_holds_up_nothing(hub: Hub) -> None:
    ada = await Client(hub).log_in()
    ada.send(RunProcesses(100, "waits", ["{}"]))
    assert (await ada.ask(Ping)).result == "Pong"
    assert (await ada.ended(await ada.launch()))[-1].event == "return"
    await ada.leave()
    while hub.engine.processes():
        await asyncio.sleep(0)


async def test_pings_and_signals_overtake_a_program_that_is_being_compiled(hub: Hub, library: FakeLibrary) -> None:
    ada = await Client(hub).log_in()
    talker = await ada.launch("talks", "0")
    library.gate.clear()
    ada.send(LaunchProcess(100, "echo", "late", True))
    assert (await ada.ask(Ping)).result == "Pong"
    ada.send(SignalProcess(talker, "hello"))
    assert (await ada.ended(talker))[-1].value == "hello"
    library.gate.set()
    assert (await ada.response(100)).ok


async def test_other_requests_are_handled_in_the_order_they_came(hub: Hub, library: FakeLibrary) -> None:
    ada = await Client(hub).log_in()
    library.gate.clear()
    ada.send(LaunchProcess(100, "waits", "{}", True))
    ada.send(ListProcesses(101))
    assert (await ada.ask(Ping)).ok
    library.gate.set()
    assert len(json.loads((await ada.response(101)).result)) == 1


async def test_limits_and_unknown_programs_are_answers_not_ends(hub: Hub) -> None:
    ada = await Client(hub).log_in()
    answer = await ada.ask(lambda n: LaunchProcess(n, "nowhere", "{}", True))
    assert answer == Response(2, False, "there is no program 'nowhere'")
    hub.engine.drain(enabled=True)
    assert "draining" in (await ada.ask(lambda n: LaunchProcess(n, "echo", "{}", True))).result


async def test_a_terminated_process_ends_with_an_error(hub: Hub) -> None:
    ada = await Client(hub).log_in()
    process_id = await ada.launch("waits")
    assert (await ada.ask(lambda n: TerminateProcess(n, process_id))).result == "Process terminated"
    assert (await ada.ended(process_id))[-1].event == "error"
    assert (await ada.ask(lambda n: TerminateProcess(n, process_id))).result == "Process not found"
    assert (await ada.ask(lambda n: TerminateProcess(n, "../x"))).result == "Invalid process ID"


async def test_a_list_of_processes_has_what_clients_expect(hub: Hub) -> None:
    ada = await Client(hub).log_in()
    process_id = await ada.launch("waits", "x" * 5000)
    await (await Client(hub).log_in("bob")).launch("waits")
    (listed,) = json.loads((await ada.ask(ListProcesses)).result)
    assert (listed["id"], listed["username"], listed["program"]) == (process_id, "ada", "test@0.1.0")
    assert listed["attached"]
    assert len(listed["input"]) == 1001
    assert listed["elapsed_secs"] >= 0


@pytest.mark.parametrize("limits", [LimitsConfig(processes_per_user=1000)])
async def test_a_list_that_fits_no_frame_has_the_newest_processes(hub: Hub) -> None:
    ada = await Client(hub).log_in()
    ids = json.loads((await ada.ask(lambda n: LaunchProcesses(n, "waits", ["\x01" * 1000] * 400, True))).result)
    answer = await ada.ask(ListProcesses)
    assert answer.ok
    listed = [one["id"] for one in json.loads(answer.result)]
    assert 100 < len(listed) < 400
    assert listed == ids[-len(listed) :]


async def test_an_answer_too_long_for_a_frame_says_so(hub: Hub) -> None:
    ada = await Client(hub).log_in()
    ada.outgoing.answer(100, ok=True, result="x" * FRAME_BYTES_MAX)
    answer = await ada.response(100)
    assert not answer.ok
    assert "more than the 1048576 of a frame" in answer.result
    assert ada.largest_frame <= FRAME_BYTES_MAX


async def test_a_signal_that_nobody_can_get_is_counted_and_answered_if_it_can_be(hub: Hub) -> None:
    ada = await Client(hub).log_in()
    ada.send(SignalProcess("nobody", "x"))
    assert hub.statistics().messages_ignored == 1
    assert not (await ada.ask(lambda n: SignalProcess("nobody", "x", n))).ok


async def test_signals_beyond_what_a_process_may_leave_unread_are_reported(hub: Hub) -> None:
    ada = await Client(hub).log_in()
    process_id = await ada.launch("waits")
    for _ in range(1025):
        ada.send(SignalProcess(process_id, "x"))
    notice = await ada.until(lambda: ada.events(process_id))
    assert (notice[0].event, "dropped" in notice[0].value) == ("stderr", True)


@pytest.mark.parametrize("limits", [LimitsConfig(queued_events=16)])
async def test_a_client_that_does_not_read_makes_its_processes_wait_and_nobody_elses(hub: Hub) -> None:
    ada, bob = await Client(hub).log_in(), await Client(hub).log_in("bob")
    slow = await ada.launch("talks", "1000")
    ada.reads = False
    fast = await bob.launch("talks", "1000")
    await bob.until(lambda: len(bob.events(fast)) == 1000)
    (process,) = hub.engine.processes("ada")
    assert process.events.statistics().events <= 16
    ada.read_on()
    await ada.until(lambda: len(ada.events(slow)) == 1000)
    assert [event.value for event in ada.events(slow)] == [str(number) for number in range(1000)]


async def test_a_client_that_reads_no_answers_is_not_read_from(hub: Hub) -> None:
    ada = await Client(hub).log_in()
    ada.reads = False
    for _ in range(300):
        ada.send(Ping(7))
    assert ada.session.is_full
    ada.read_on()
    await ada.session.room()
    assert len(await ada.until(lambda: len(ada.responses()) == 301 and ada.responses())) == 301


async def test_long_texts_come_in_pieces_and_long_returns_as_files(hub: Hub, library: FakeLibrary) -> None:
    async def long(guest: Guest) -> str:
        guest.outbox.put(ProcessEvent("stdout", "\u20ac" * 700_000))
        return "r" * 3_000_000

    library.programs["long"] = program(long)
    ada = await Client(hub).log_in()
    events = await ada.ended(process_id := await ada.launch("long"))
    assert "".join(event.value for event in events if event.event == "stdout") == "\u20ac" * 700_000
    assert b"".join(chunk.chunk_data for chunk in ada.files()) == b"r" * 3_000_000
    assert {chunk.name for chunk in ada.files()} == {"return"}
    assert "3000000 characters" in events[-1].value
    assert (events[-1].event, events[-1].process_id) == ("error", process_id)
    assert ada.largest_frame <= FRAME_BYTES_MAX


async def test_a_text_with_halves_of_characters_arrives_without_them(hub: Hub, library: FakeLibrary) -> None:
    async def odd(_: Guest) -> str:
        return "a\udc80b"

    library.programs["odd"] = program(odd)
    ada = await Client(hub).log_in()
    assert (await ada.ended(await ada.launch("odd")))[-1].value == "a?b"
    assert json.loads((await ada.ask(lambda n: RunProcesses(n, "odd", ["{}"]))).result) == ["a\udc80b"]


async def test_the_files_of_two_processes_do_not_mix(hub: Hub, library: FakeLibrary) -> None:
    async def sends_files(guest: Guest) -> str:
        for name in ("a", "b", ""):
            added = guest.outbox.send(ProcessEvent("file", name, b"x" * 600_000 if name else b""))
            if added is not None:
                await added
        return "done"

    library.programs["files"] = program(sends_files)
    ada = await Client(hub).log_in()
    ids = [await ada.launch("files") for _ in range(2)]
    for one in ids:
        assert (await ada.ended(one))[-1].value == "done"
    chunks = ada.files()
    assert len(chunks) == 2 * (3 + 3 + 1)
    assert [chunk.chunk_data for chunk in chunks if chunk.total_chunks == 1] == [b"", b""]
    starts = [number for number, chunk in enumerate(chunks) if chunk.chunk_index == 0]
    for start in starts:
        group = chunks[start : start + chunks[start].total_chunks]
        assert [chunk.chunk_index for chunk in group] == list(range(len(group)))
        assert len({chunk.process_id for chunk in group}) == 1
