"""Processes outlive their connection; whoever owns them comes back for them."""

import asyncio

import pytest

from engine_fakes.dummy_engine import program
from net_fakes.client import Client, FakeLibrary
from pie.config.config import LimitsConfig
from pie.host.guest import Guest
from pie.net.held import TAKEN_OVER
from pie.net.hub import Hub
from pie.processes.events import ProcessEvent
from pie_wire.messages import AttachProcess, LaunchProcess, Response, SignalProcess
from pie_wire.messages import ProcessEvent as EventMessage


async def attach(client: Client, process_id: str) -> Response:
    return await client.ask(lambda n: AttachProcess(n, process_id))


async def until_ended(hub: Hub) -> None:
    while hub.engine.processes():
        await asyncio.sleep(0)


async def test_a_process_runs_on_without_its_client_and_its_result_is_kept(hub: Hub, library: FakeLibrary) -> None:
    gate = asyncio.Event()

    async def returns_late(_: Guest) -> str:
        await gate.wait()
        return "result"

    library.programs["late"] = program(returns_late)
    ada = await Client(hub).log_in()
    process_id = await ada.launch("late")
    await ada.leave()
    gate.set()
    await until_ended(hub)
    assert hub.statistics().kept_results == 1
    again = await Client(hub).log_in()
    assert (await attach(again, process_id)).result == "Process attached"
    assert await again.ended(process_id) == [EventMessage(process_id, "return", "result")]
    assert isinstance(again.received[-2], Response)
    assert hub.statistics().kept_results == 0
    assert (await attach(again, process_id)).result == "Process not found"


async def test_events_of_the_time_without_a_client_come_after_the_answer_in_order(hub: Hub) -> None:
    ada = await Client(hub).log_in()
    process_id = await ada.launch("talks", "10")
    await ada.leave()
    again = await Client(hub).log_in()
    seen = len(ada.events(process_id))
    await attach(again, process_id)
    await again.until(lambda: len(again.events(process_id)) == 10 - seen)
    assert [event.value for event in ada.events(process_id) + again.events(process_id)] == [str(n) for n in range(10)]


async def test_a_detached_process_keeps_its_newest_events_and_says_how_many_it_lost(hub: Hub) -> None:
    ada = await Client(hub).log_in()
    ada.reads = False
    ada.send(SignalProcess("x", "y"))
    process_id = await launch_unread(ada, "talks", "100")
    await ada.leave()
    (process,) = hub.engine.processes()
    while process.events.statistics().events < 16:
        await asyncio.sleep(0)
    again = await Client(hub).log_in()
    await attach(again, process_id)
    events = await again.until(lambda: len(again.events(process_id)) == 17 and again.events(process_id))
    assert events[0] == EventMessage(
        process_id, "stderr", "[pie] 84 events were dropped while nobody was attached: this process keeps its newest ones\n"
    )
    assert [event.value for event in events[1:]] == [str(number) for number in range(84, 100)]


async def launch_unread(client: Client, target: str, text: str) -> str:
    """A process whose client does not even read the answer."""
    before = client.hub.engine.statistics().processes.launched
    client.send(LaunchProcess(1000, target, text, True))
    while client.hub.engine.statistics().processes.launched == before:
        await asyncio.sleep(0)
    return client.hub.engine.processes()[-1].id


async def test_only_the_owner_attaches(hub: Hub) -> None:
    ada, bob = await Client(hub).log_in(), await Client(hub).log_in("bob")
    process_id = await ada.launch("waits")
    assert await attach(bob, process_id) == Response(2, False, "Permission denied")
    assert (await attach(bob, "no-uuid")).result == "Invalid process_id"
    assert (await attach(bob, "00000000-0000-4000-8000-000000000000")).result == "Process not found"


async def test_a_connection_does_not_attach_twice(hub: Hub) -> None:
    ada = await Client(hub).log_in()
    assert (await attach(ada, await ada.launch("waits"))).result == "Process not found"


async def test_a_second_connection_of_the_same_user_takes_over(hub: Hub) -> None:
    """The first one may be half open: its machine gone, and the server has not noticed."""
    old = await Client(hub).log_in()
    process_id = await old.launch("talks", "3")
    await old.until(lambda: len(old.events(process_id)) == 3)
    new = await Client(hub).log_in()
    assert (await attach(new, process_id)).ok
    new.send(SignalProcess(process_id, "bye"))
    assert (await new.ended(process_id))[-1].value == "bye"
    assert old.events(process_id)[-1] == EventMessage(process_id, "stderr", TAKEN_OVER)
    assert (await old.ask(lambda n: SignalProcess(process_id, "x", n))).ok is False


async def test_what_a_stuck_connection_never_got_comes_to_the_one_that_takes_over(hub: Hub) -> None:
    old = await Client(hub).log_in()
    process_id = await old.launch("talks", "10")
    old.reads = False
    new = await Client(hub).log_in()
    got = len(old.events(process_id))
    await attach(new, process_id)
    await new.until(lambda: len(new.events(process_id)) == 10 - got)
    assert [event.value for event in new.events(process_id)] == [str(n) for n in range(got, 10)]
    new.send(SignalProcess(process_id, "end"))
    assert (await new.ended(process_id))[-1].value == "end"
    old.read_on()
    await old.until(lambda: old.events(process_id))
    hub.held.check()


async def test_a_file_that_was_half_sent_is_sent_again_as_a_whole(hub: Hub, library: FakeLibrary) -> None:
    async def sends_file(guest: Guest) -> str:
        guest.outbox.put(ProcessEvent("file", "f", b"x" * 1_000_000))
        return "done"

    library.programs["file"] = program(sends_file)
    old = await Client(hub).log_in()
    old.reads = False
    process_id = await launch_unread(old, "file", "")
    await until_ended(hub)
    new = await Client(hub).log_in()
    await attach(new, process_id)
    assert (await new.ended(process_id))[-1].value == "done"
    assert b"".join(chunk.chunk_data for chunk in new.files()) == b"x" * 1_000_000
    await old.leave()
    hub.held.check()


async def test_a_result_that_was_sent_to_a_dead_connection_is_not_lost(hub: Hub) -> None:
    """The server has sent it, and has not noticed that nobody is there any more."""
    dead = await Client(hub).log_in()
    process_id = await dead.launch("echo", "result")
    await dead.ended(process_id)
    bob = await Client(hub).log_in("bob")
    assert not (await attach(bob, process_id)).ok
    assert not (await attach(dead, process_id)).ok
    again = await Client(hub).log_in()
    assert (await attach(again, process_id)).ok
    events = await again.ended(process_id)
    assert [event.event for event in events] == ["stderr", "return"]
    assert events[-1].value == "result"
    hub.held.check()


async def test_a_result_on_a_connection_that_breaks_is_kept_and_one_on_a_closed_connection_is_not(hub: Hub) -> None:
    for properly in (False, True):
        ada = await Client(hub).log_in()
        await ada.ended(await ada.launch("echo", "result"))
        await ada.leave(properly=properly)
        assert hub.statistics().kept_results == 1
        hub.held.check()


@pytest.mark.parametrize("limits", [LimitsConfig(processes_per_user=50, kept_results=3)])
async def test_results_are_kept_in_number(hub: Hub) -> None:
    ada = await Client(hub).log_in()
    ada.reads = False
    ids = [await launch_unread(ada, "echo", str(number)) for number in range(5)]
    await until_ended(hub)
    await ada.leave()
    assert hub.statistics().kept_results == 3
    again = await Client(hub).log_in()
    assert len({(await attach(again, one)).ok for one in ids}) == 2
    hub.held.check()


async def test_nothing_is_left_after_many_came_and_went(hub: Hub) -> None:
    for number in range(20):
        client = await Client(hub).log_in(f"user{number % 3}")
        process_id = await client.launch("talks", str(number))
        if number % 2:
            await client.leave()
            client = await Client(hub).log_in(f"user{number % 3}")
            assert (await attach(client, process_id)).ok
        client.send(SignalProcess(process_id, "end"))
        assert (await client.ended(process_id))[-1].value == "end"
        await client.leave(properly=True)
        hub.held.check()
    statistics = hub.statistics()
    assert (statistics.processes, statistics.attached, statistics.kept_results) == (0, 0, 0)
