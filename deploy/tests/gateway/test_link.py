"""What the gateway lets a container do to it over the endpoint link."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from endpoint_container import EndpointContainer, socket_folder

from pie_deploy.gateway import link as link_module
from pie_deploy.gateway.failures import UpstreamError
from pie_deploy.gateway.link import LinkConnection
from pie_deploy.limits import GATEWAY_LINK_MESSAGES_AT_ONCE, GATEWAY_LINK_USELESS_PER_S_MAX
from pie_deploy.ports.routes import Link
from pie_deploy.zmtp import GREETING_BYTES, message, opening
from pie_flow.endpoint_link import (
    HEAD_BYTES_MAX,
    HEADERS_MAX,
    MESSAGE_BYTES_MAX,
    Body,
    Cancel,
    Credit,
    Emitted,
    FromContainer,
    Request,
    Response,
)

PATIENCE_S = 60
OPENING = opening(b"ROUTER")
A_MESSAGE = msgspec.msgpack.encode(Credit(id=1, size_bytes=1))


@pytest.fixture
async def folder() -> AsyncIterator[Path]:
    async with socket_folder() as folder:
        yield folder


class Heard:
    """A link, and what it tells."""

    def __init__(self, folder: Path, name: str = "c", *, is_of_use: bool = True) -> None:
        self.bad = 0
        self.downs = 0
        self.messages: list[tuple[FromContainer, bytes]] = []
        self.came = asyncio.Event()
        self._is_of_use = is_of_use
        link = Link(container_id=name, address=f"ipc://{folder / name}")
        self.link = LinkConnection(link, on_message=self._take, on_bad=self._count_bad, on_down=self._count_down)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not holds():
                self.came.clear()
                await self.came.wait()

    def _take(self, _: LinkConnection, said: FromContainer, body: bytes) -> bool:
        self.messages.append((said, body))
        self.came.set()
        return self._is_of_use

    def _count_bad(self) -> None:
        self.bad += 1
        self.came.set()

    def _count_down(self, _: LinkConnection) -> None:
        self.downs += 1
        self.came.set()


class Hostile:
    """Listens where a container does, and says what it likes."""

    def __init__(self, said: bytes) -> None:
        self._said = said
        self.let_go = asyncio.Event()
        self.connections = 0

    async def listen(self, path: Path) -> asyncio.AbstractServer:
        return await asyncio.start_unix_server(self._converse, path)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(ConnectionError):
            writer.write(self._said)
            while await reader.read(1 << 16):
                pass
        self.let_go.set()
        writer.close()


@pytest.fixture
async def listening(folder: Path) -> AsyncIterator[Callable[[bytes], Awaitable[Hostile]]]:
    servers = []

    async def listen(said: bytes) -> Hostile:
        hostile = Hostile(said)
        servers.append(await hostile.listen(folder / "c"))
        return hostile

    yield listen
    for server in servers:
        server.close()


async def test_messages_go_both_ways_and_a_container_that_comes_again_is_found(folder: Path) -> None:
    heard = Heard(folder)
    container = EndpointContainer(Link(container_id="c", address=f"ipc://{folder / 'c'}"))
    for _ in range(2):
        await container.start()
        assert await heard.link.wait_up(PATIENCE_S)
        heard.link.send(Request(id=1, endpoint="e", method="GET", path="/"), b"x" * 100_000)
        assert (await container.get(Request))[1] == b"x" * 100_000
        await container.say(Emitted(id=1, endpoint="e"), b"y" * 100_000)
        await heard.until(lambda: bool(heard.messages))
        assert heard.messages.pop() == (Emitted(id=1, endpoint="e"), b"y" * 100_000)
        downs = heard.downs
        await container.stop()
        await heard.until(lambda downs=downs: heard.downs == downs + 1)  # type: ignore[misc]
        with pytest.raises(UpstreamError):
            heard.link.send(Cancel(id=1))
    heard.link.close()
    await container.close()


OFFENCES = {
    "parts without end": OPENING + b"\x01\x01x" * 3,
    "parts of nothing": OPENING + b"\x01\x00" * 3,
    "a frame larger than memory": OPENING + b"\x02" + (1 << 60).to_bytes(8, "big"),
    "a frame larger than a message": OPENING + b"\x02" + (MESSAGE_BYTES_MAX + 1).to_bytes(8, "big"),
    "flags that are none": OPENING + b"\xf8\x00",
    "a command": OPENING + b"\x04\x07\x04PING\x00\x00",
    "READY twice": OPENING + OPENING[GREETING_BYTES:],
    "a message before READY": OPENING[:GREETING_BYTES] + message(A_MESSAGE, b""),
    "HTTP": b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n".ljust(GREETING_BYTES, b"x"),
    "a flood of nonsense": OPENING + message(b"x", b"") * (2 * GATEWAY_LINK_USELESS_PER_S_MAX + 2),
    "a flood of halves": OPENING + message(A_MESSAGE) * (2 * GATEWAY_LINK_USELESS_PER_S_MAX + 2),
}


@pytest.mark.parametrize("offence", OFFENCES)
async def test_a_container_that_does_not_keep_to_the_bounds_is_cut_off(
    offence: str, folder: Path, listening: Callable[[bytes], Awaitable[Hostile]]
) -> None:
    hostile = await listening(OFFENCES[offence])
    heard = Heard(folder)
    async with asyncio.timeout(PATIENCE_S):
        await hostile.let_go.wait()
    await heard.until(lambda: heard.bad > 0)
    heard.link.close()


async def test_a_flood_of_messages_about_nothing_is_cut_off(folder: Path, listening: Callable[[bytes], Awaitable[Hostile]]) -> None:
    hostile = await listening(OPENING + message(A_MESSAGE, b"") * (2 * GATEWAY_LINK_USELESS_PER_S_MAX + 2))
    heard = Heard(folder, is_of_use=False)
    async with asyncio.timeout(PATIENCE_S):
        await hostile.let_go.wait()
    assert len(heard.messages) <= 2 * GATEWAY_LINK_USELESS_PER_S_MAX + 2
    heard.link.close()


async def test_a_container_that_says_much_lets_others_have_their_turn(
    folder: Path, listening: Callable[[bytes], Awaitable[Hostile]]
) -> None:
    said = 20 * GATEWAY_LINK_MESSAGES_AT_ONCE
    await listening(OPENING + message(A_MESSAGE, b"") * said)
    heard = Heard(folder)
    most = before = 0
    async with asyncio.timeout(PATIENCE_S):
        while before < said:
            await asyncio.sleep(0)
            most, before = max(most, len(heard.messages) - before), len(heard.messages)
    assert most <= 2 * GATEWAY_LINK_MESSAGES_AT_ONCE  # two turns of its may lie between two of ours
    heard.link.close()


async def test_who_was_cut_off_is_connected_to_again(
    folder: Path, listening: Callable[[bytes], Awaitable[Hostile]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_module, "GATEWAY_LINK_PENALTY_S", 0.01)
    hostile = await listening(OFFENCES["a command"])
    heard = Heard(folder)
    await heard.until(lambda: hostile.connections > 2)
    heard.link.close()


async def test_who_hangs_up_at_once_is_not_connected_to_all_the_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def noted(pause_s: float) -> None:
        pauses.append(pause_s)
        await sleep(0)

    monkeypatch.setattr(link_module.asyncio, "sleep", noted)
    server = await asyncio.start_unix_server(lambda _, writer: writer.close(), folder / "c")
    heard = Heard(folder)
    async with asyncio.timeout(PATIENCE_S):
        while len(pauses) < 10:
            await sleep(0)
    assert pauses[-1] == max(pauses) > 5 * pauses[0]
    heard.link.close()
    server.close()


async def test_a_container_that_half_closes_is_down(folder: Path) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OPENING)
        await reader.read(1)
        writer.write_eof()

    server = await asyncio.start_unix_server(greet, folder / "c")
    heard = Heard(folder)
    await heard.until(lambda: heard.downs > 0)
    heard.link.close()
    server.close()


NONSENSE = {
    "one part": (b"x",),
    "no msgpack": (b"\xc1", b""),
    "no message of ours": (msgspec.msgpack.encode({"t": "hello"}), b""),
    "what only a gateway says": (msgspec.msgpack.encode(Request(id=1, endpoint="e", method="GET", path="/")), b""),
    "depth": (b"\x91" * 5000, b""),
    "headers without end": (msgspec.msgpack.encode(Response(id=1, status=200, headers=(("x", ""),) * (HEADERS_MAX + 1))), b""),
    "a head without end": (msgspec.msgpack.encode(Response(id=1, status=200, headers=(("x", "y" * HEAD_BYTES_MAX),))), b""),
}


@pytest.mark.parametrize("parts", NONSENSE.values(), ids=NONSENSE)
async def test_nonsense_is_counted_and_harms_nobody(
    parts: tuple[bytes, ...], folder: Path, listening: Callable[[bytes], Awaitable[Hostile]]
) -> None:
    await listening(OPENING + message(*parts) + message(msgspec.msgpack.encode(Body(id=7)), b"z"))
    heard = Heard(folder)
    await heard.until(lambda: bool(heard.messages))
    assert (heard.bad, heard.messages) == (1, [(Body(id=7), b"z")])
    heard.link.close()


async def test_a_link_to_the_socket_of_another_is_not_followed(folder: Path) -> None:
    other = EndpointContainer(Link(container_id="other", address=f"ipc://{folder / 'other'}"))
    await other.start()
    (folder / "c").symlink_to(folder / "other")
    heard = Heard(folder)
    assert not await heard.link.wait_up(0.3)
    (folder / "c").unlink()
    os.link(folder / "other", folder / "c")  # what is a socket itself is taken, by whatever name
    assert await heard.link.wait_up(PATIENCE_S)
    heard.link.close()
    await other.close()


@pytest.mark.parametrize("kind", ["file", "folder", "pipe"])
async def test_what_is_no_socket_is_waited_for_until_it_is_one(folder: Path, kind: str) -> None:
    path = folder / "c"
    {"file": path.touch, "folder": path.mkdir, "pipe": lambda: os.mkfifo(path)}[kind]()
    heard = Heard(folder)
    assert not await heard.link.wait_up(0.1)
    path.rename(folder / "away")
    container = EndpointContainer(Link(container_id="c", address=f"ipc://{path}"))
    await container.start()
    assert await heard.link.wait_up(PATIENCE_S)
    heard.link.close()
    await container.close()


async def test_a_container_that_reads_nothing_is_sent_no_more_than_is_kept_for_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_module, "GATEWAY_LINK_BYTES_MAX", 1 << 20)

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OPENING)
        await asyncio.get_running_loop().create_future()

    server = await asyncio.start_unix_server(greet, folder / "c", limit=1 << 10)
    heard = Heard(folder)
    assert await heard.link.wait_up(PATIENCE_S)
    with pytest.raises(UpstreamError):
        for _ in range(1000):
            heard.link.send(Body(id=1), bytes(1 << 16))
    heard.link.close()
    server.close()
