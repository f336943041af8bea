"""The client without asyncio. The fake engine runs in a thread of its own."""

import asyncio
import inspect
import threading
from collections.abc import Iterator

import pytest

from fake_engine import FakeEngine
from pie_client import Event, LaunchError, NotConnectedError, PieClient, Process, SyncPieClient, SyncProcess, UnreachableError


@pytest.fixture
def uri() -> Iterator[str]:
    """The address of a fake engine."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def started() -> FakeEngine:
        return await FakeEngine().__aenter__()

    engine = asyncio.run_coroutine_threadsafe(started(), loop).result()
    yield engine.uri
    asyncio.run_coroutine_threadsafe(engine.__aexit__(None, None, None), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def client(uri: str) -> Iterator[SyncPieClient]:
    with SyncPieClient(uri) as client:
        client.authenticate("alice")
        yield client


def test_a_process_is_read_in_a_loop(client: SyncPieClient) -> None:
    process = client.launch_process("count", {"to": 2})
    assert [event.value for event in process] == ["0", "1", "done"]
    assert process.ended


def test_results_and_signals(client: SyncPieClient) -> None:
    assert client.run("echo", a=1).result() == {"a": 1}
    with client.launch_process("converse") as process:
        process.signal("there")
        assert [process.recv(), process.recv()] == [(Event.Message, "hello"), (Event.Message, "there")]
        process.transfer_file(b"data")


def test_a_receive_that_times_out_loses_nothing(client: SyncPieClient) -> None:
    process = client.launch_process("converse")
    process.recv()
    with pytest.raises(TimeoutError):
        process.recv(timeout_s=0.01)
    process.signal("late")
    assert process.recv(timeout_s=30).value == "late"


def test_errors_are_the_same(client: SyncPieClient) -> None:
    with pytest.raises(LaunchError):
        client.launch_process("nope")


def test_several_threads_may_use_one_client(client: SyncPieClient) -> None:
    got: list[object] = []
    threads = [threading.Thread(target=lambda n=n: got.append(client.run("echo", n=n).result())) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got, key=str) == [{"n": n} for n in range(8)]


def test_a_closed_client_says_so(uri: str) -> None:
    client = SyncPieClient(uri)
    client.connect()
    client.close()
    client.close()
    with pytest.raises(NotConnectedError):
        client.ping()


def test_a_client_that_cannot_connect_leaves_no_thread() -> None:
    before = threading.active_count()
    with pytest.raises(UnreachableError), SyncPieClient("ws://127.0.0.1:1"):
        pass
    assert threading.active_count() == before


@pytest.mark.parametrize(("blocking", "asynchronous"), [(SyncPieClient, PieClient), (SyncProcess, Process)])
def test_the_verbs_and_their_parameters_are_the_same(blocking: type, asynchronous: type) -> None:
    for name, verb in inspect.getmembers(asynchronous, inspect.iscoroutinefunction):
        if not name.startswith("_") and name not in ("terminate_unless_ended", "check_program_bytes"):
            theirs = [p for p in inspect.signature(getattr(blocking, name)).parameters.values() if p.name != "timeout_s"]
            assert theirs == list(inspect.signature(verb).parameters.values()), name
