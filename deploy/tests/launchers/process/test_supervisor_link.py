"""The socket between launcher and supervisor: who may speak, what is said to whom, and who starts whom."""

import asyncio
import os
import socket
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from launcher_worlds import PATIENCE_S, ProcessWorld, launch, observed

from pie_deploy.config import Home
from pie_deploy.errors import LauncherError
from pie_deploy.launchers.process.changes import Changes
from pie_deploy.launchers.process.connection import SupervisorConnection
from pie_deploy.launchers.process.frames import FrameError, frame, read_frame
from pie_deploy.launchers.process.link import Link, LinkLostError, OtherVersionError
from pie_deploy.launchers.process.messages import (
    PROTOCOL_VERSION,
    Changed,
    Done,
    FromSupervisor,
    Hello,
    Observe,
    Observed,
    Welcome,
)
from pie_deploy.launchers.process.place import Place
from pie_deploy.limits import SUPERVISOR_FRAME_BYTES_MAX

# --- Frames ----------------------------------------------------------------------------------------------------------


def reader_of(data: bytes) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return reader


async def test_frames_come_out_one_by_one() -> None:
    reader = reader_of(frame(Done(id=1)) + frame(Done(id=2)))
    payloads = [await read_frame(reader) for _ in range(3)]
    assert [payload and msgspec.msgpack.decode(payload, type=Done).id for payload in payloads] == [1, 2, None]


@pytest.mark.parametrize(
    "data",
    [frame(Done(id=1))[:-1], b"\0\0", (SUPERVISOR_FRAME_BYTES_MAX + 1).to_bytes(4, "big")],
    ids=["cut off", "cut off in its length", "too large"],
)
async def test_a_frame_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(FrameError):
        await read_frame(reader_of(data))


# --- The supervisor's side -------------------------------------------------------------------------------------------


@asynccontextmanager
async def connected(world: ProcessWorld) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    async with asyncio.timeout(PATIENCE_S):
        reader, writer = await asyncio.open_unix_connection(Place(world.home, "r-test").socket)
        try:
            yield reader, writer
        finally:
            writer.close()


async def read_message(reader: asyncio.StreamReader) -> FromSupervisor | None:
    payload = await read_frame(reader)
    return None if payload is None else msgspec.msgpack.decode(payload, type=FromSupervisor)


async def test_a_supervisor_says_who_it_is(process_world: ProcessWorld) -> None:
    async with connected(process_world) as (reader, writer):
        writer.write(frame(Hello(version=PROTOCOL_VERSION)))
        assert await read_message(reader) == Welcome(version=PROTOCOL_VERSION, pid=process_world.launcher.supervisor_pid or 0)


async def test_who_speaks_another_version_is_told_so_and_no_more(process_world: ProcessWorld) -> None:
    async with connected(process_world) as (reader, writer):
        writer.write(frame(Hello(version=PROTOCOL_VERSION + 1)) + frame(Observe(id=1)))
        assert isinstance(await read_message(reader), Welcome)
        assert await read_message(reader) is None


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        frame(Observe(id=1)),
        frame(Hello(version=PROTOCOL_VERSION)) + b"\0\0\0\x01\xc1",
        frame(Hello(version=PROTOCOL_VERSION)) * 2,
        b"\xff\xff\xff\xff",
        os.urandom(0) + b"\0\0\0\0",
    ],
    ids=["http", "no hello", "no message", "two hellos", "too large", "empty"],
)
async def test_who_talks_nonsense_is_cut_off_and_nobody_else_is(process_world: ProcessWorld, data: bytes) -> None:
    async with connected(process_world) as (reader, writer):
        writer.write(data)
        while await reader.read(1000):
            pass
    assert await process_world.launcher.observe() == []


async def test_the_supervisor_s_socket_is_its_user_s_alone(process_world: ProcessWorld) -> None:
    place = Place(process_world.home, "r-test")
    assert stat.S_IMODE(os.lstat(place.socket).st_mode) == 0o600
    assert stat.S_IMODE(os.lstat(place.folder).st_mode) == 0o700


async def test_questions_of_others_are_refused(process_world: ProcessWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pie_deploy.launchers.process.link.peer_uid", lambda _: os.getuid() + 1)
    with pytest.raises(LauncherError, match="somebody else"):
        await Link.connect(Place(process_world.home, "r-test").socket, print, print)


async def test_containers_of_two_runtimes_do_not_touch_each_other(home: Home) -> None:
    first, second = ProcessWorld(home, "r-one"), ProcessWorld(home, "r-other")
    await first.launcher.open()
    await launch(first, "c-a", "idle")
    await second.launcher.open()
    await launch(second, "c-b", "idle")
    assert [container.container_id for container in await second.launcher.observe()] == ["c-b"]
    await second.end()
    container = await observed(first.launcher, "c-a")
    assert container is not None
    assert container.state == "running"
    await first.end()


# --- The launcher's side ---------------------------------------------------------------------------------------------

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]


@asynccontextmanager
async def listening(path: Path, *answers: bytes) -> AsyncIterator[None]:
    """A supervisor that says the first answer at once, and each other one when it is asked something."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await read_frame(reader)
            writer.write(answer)
        writer.close()

    server = await asyncio.start_unix_server(handle, path)
    async with server:
        yield


@pytest.fixture
def path(home: Home) -> Path:
    return home.root / "s.sock"


def nothing() -> None:
    pass


WELCOME = frame(Welcome(version=PROTOCOL_VERSION, pid=7))


async def test_another_version_is_recognised(path: Path) -> None:
    async with listening(path, frame(Welcome(version=99, pid=7))):
        with pytest.raises(OtherVersionError) as caught:
            await Link.connect(path, print, nothing)
    assert caught.value.pid == 7


@pytest.mark.parametrize("answer", [frame(Done(id=1)), b"HTTP/1.1 400 Bad Request\r\n\r\n"], ids=["no welcome", "http"])
async def test_what_is_no_supervisor_is_recognised(path: Path, answer: bytes) -> None:
    async with listening(path, answer):
        with pytest.raises(LauncherError, match="no supervisor"):
            await Link.connect(path, print, nothing)


async def test_answers_find_their_questions_and_hints_come_between(path: Path) -> None:
    hints: list[str] = []
    both = frame(Changed(container_id="c-a")) + frame(Done(id=2)) + frame(Observed(id=1, containers=()))
    async with listening(path, WELCOME, b"", both):
        link = await Link.connect(path, hints.append, nothing)
        first, second = await asyncio.gather(link.ask(Observe(id=link.next_id())), link.ask(Observe(id=link.next_id())))
        await link.close()
    assert (type(first), type(second), hints) == (Observed, Done, ["c-a"])


async def test_who_waits_for_an_answer_hears_that_the_supervisor_has_gone(path: Path) -> None:
    lost: list[bool] = []
    async with listening(path, WELCOME, b""):
        link = await Link.connect(path, print, lambda: lost.append(True))
        with pytest.raises(LinkLostError):
            await link.ask(Observe(id=link.next_id()))
        with pytest.raises(LinkLostError):
            await link.ask(Observe(id=link.next_id()))
    assert lost == [True]


async def test_a_supervisor_that_cannot_start_is_told_with_its_last_words(home: Home) -> None:
    home.create()
    place = Place(home, "r-test")
    place.folder.mkdir(mode=0o700)
    place.socket.mkdir()  # where nobody can listen
    connection = SupervisorConnection(place, Changes(), orphan_grace_s=60, use_cgroups=True)
    with pytest.raises(LauncherError, match="ended at once") as caught:
        await connection.open()
    assert str(place.socket.name) in str(caught.value) or "directory" in str(caught.value)


async def test_a_supervisor_of_an_older_version_is_ended_and_replaced(
    process_world: ProcessWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = process_world.launcher.supervisor_pid
    await process_world.launcher.close(stop_all=False)
    real = Link._greet
    calls = 0

    async def greet(self: Link, reader: asyncio.StreamReader) -> None:
        nonlocal calls
        calls += 1
        await real(self, reader)
        if calls == 1:
            raise OtherVersionError(99, self.supervisor_pid)

    monkeypatch.setattr(Link, "_greet", greet)
    await process_world.launcher.open()
    assert process_world.launcher.supervisor_pid not in (None, old)


def test_the_socket_s_path_is_short_whatever_the_runtime_is_called(home: Home) -> None:
    place = Place(home, "../" * 100)
    assert place.socket.parent == home.run / "supervisors"
    assert len(os.fsencode(place.socket)) < 100
    with socket.socket(socket.AF_UNIX) as unbound:
        place.folder.mkdir(parents=True)
        unbound.bind(str(place.socket))


# --- Hints -----------------------------------------------------------------------------------------------------------


async def test_everybody_who_listens_gets_each_hint_once() -> None:
    changes = Changes()
    first, second = changes.subscribe(), changes.subscribe()
    changes.tell(["c-a", "c-b", "c-a"])
    assert [await anext(first), await anext(first)] == ["c-a", "c-b"]
    changes.tell(["c-c"])
    changes.close()
    assert [container_id async for container_id in first] == ["c-c"]
    assert [container_id async for container_id in second] == ["c-a", "c-b", "c-c"]
