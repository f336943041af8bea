"""The control link over real sockets."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
import zmq
import zmq.asyncio

from pie_deploy.controller.zmtp_wire import ZmtpWire
from pie_deploy.errors import StorageError
from pie_deploy.limits import CONTROL_CONNECTIONS_OF_ONE_MAX, CONTROL_CONNECTIONS_UNKNOWN_MAX, CONTROL_MESSAGES_PER_S_MAX
from pie_deploy.ports.control import Peer
from pie_deploy.zmtp import GREETING_BYTES, message, opening
from pie_flow.control import FromContainer, Hello, SetConfig, ToContainer, Welcome

HELLO = Hello(container_id="c-1", incarnation="x", secret="s", pid=1, step="started", config_seq=0)
PATIENCE_S = 30
OPENING = opening(b"DEALER")


@pytest.fixture
def folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="pie-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder)


class Container:
    """A DEALER as containers have one."""

    def __init__(self, address: str) -> None:
        self._zmq = zmq.asyncio.Context()
        self._socket = self._zmq.socket(zmq.DEALER)
        self._socket.connect(address)

    async def send(self, data: bytes) -> None:
        await self._socket.send(data)

    async def receive(self) -> ToContainer:
        async with asyncio.timeout(PATIENCE_S):
            return msgspec.msgpack.decode(await self._socket.recv(), type=ToContainer)

    def close(self) -> None:
        self._zmq.destroy(linger=0)


async def test_messages_come_and_answers_go_to_who_sent_them(folder: Path) -> None:
    wire = ZmtpWire(f"ipc://{folder}/control")
    heard: asyncio.Queue[tuple[Peer, FromContainer]] = asyncio.Queue()
    await wire.open(lambda peer, message: heard.put_nowait((peer, message)))
    container = Container(f"ipc://{folder}/control")
    try:
        await container.send(msgspec.msgpack.encode(HELLO))
        async with asyncio.timeout(PATIENCE_S):
            peer, message = await heard.get()
        assert message == HELLO
        peer.send(Welcome())
        assert await container.receive() == Welcome()
    finally:
        container.close()
        await wire.close()


async def test_nonsense_is_counted_and_harms_nobody(folder: Path) -> None:
    wire = ZmtpWire(f"ipc://{folder}/control")
    heard: asyncio.Queue[FromContainer] = asyncio.Queue()
    await wire.open(lambda _, message: heard.put_nowait(message))
    container = Container(f"ipc://{folder}/control")
    try:
        for nonsense in (b"", b"\xc1", b"\x91" * 5000, msgspec.msgpack.encode({"type": "hello"}), b"\xa2\xff\xff"):
            await container.send(nonsense)
        await container.send(msgspec.msgpack.encode(HELLO))
        async with asyncio.timeout(PATIENCE_S):
            assert await heard.get() == HELLO
        assert wire.counts["malformed"] == 5
    finally:
        container.close()
        await wire.close()


async def test_a_container_finds_the_next_control_plane_at_the_same_address(folder: Path) -> None:
    address = f"ipc://{folder}/control"
    first, second = ZmtpWire(address), ZmtpWire(address)
    heard: asyncio.Queue[FromContainer] = asyncio.Queue()
    await first.open(lambda _peer, _message: None)
    container = Container(address)
    try:
        await container.send(msgspec.msgpack.encode(HELLO))
        await first.close()
        await second.open(lambda _, message: heard.put_nowait(message))
        async with asyncio.timeout(PATIENCE_S):
            await container.send(msgspec.msgpack.encode(HELLO))
            assert await heard.get() == HELLO
    finally:
        container.close()
        await second.close()


async def test_an_address_that_cannot_be_listened_at_is_an_error_of_the_storage(folder: Path) -> None:
    wire = ZmtpWire(f"ipc://{folder}/none/control")
    with pytest.raises(StorageError):
        await wire.open(lambda _peer, _message: None)


class Stranger:
    """A connection that speaks as it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    @classmethod
    async def at(cls, folder: Path) -> "Stranger":
        stranger = cls(*await asyncio.open_unix_connection(f"{folder}/control"))
        stranger.writer.write(OPENING)
        return stranger

    async def was_let_go(self) -> bool:
        """Whether the other side closes. Fails when it does not."""
        async with asyncio.timeout(PATIENCE_S):
            with suppress(ConnectionError):
                while await self._reader.read(1 << 16):
                    pass
        return True

    def close(self) -> None:
        self.writer.close()


@pytest.fixture
async def wire(folder: Path) -> AsyncIterator[ZmtpWire]:
    """One that answers every hello."""
    wire = ZmtpWire(f"ipc://{folder}/control")
    await wire.open(lambda peer, _: peer.send(Welcome()))
    yield wire
    await wire.close()


HOSTILE = {
    "two parts": message(b"x", b"x"),
    "a frame larger than memory": b"\x02" + (1 << 60).to_bytes(8, "big"),
    "a hello of megabytes": b"\x02" + (1 << 20).to_bytes(8, "big"),
    "flags that are none": b"\xf8\x00",
    "READY twice": OPENING[GREETING_BYTES:],
    "a command": b"\x04\x07\x04PING\x00\x00",
    "a flood": message(b"x") * (2 * CONTROL_MESSAGES_PER_S_MAX + 2),
}


@pytest.mark.parametrize("said", HOSTILE)
async def test_who_does_not_keep_to_the_bounds_is_let_go(wire: ZmtpWire, folder: Path, said: str) -> None:
    stranger = await Stranger.at(folder)
    stranger.writer.write(HOSTILE[said])
    assert await stranger.was_let_go()
    assert wire.counts["refused"] == 1
    stranger.close()


async def test_of_connections_that_nobody_knows_the_oldest_are_let_go(wire: ZmtpWire, folder: Path) -> None:
    strangers = [await Stranger.at(folder) for _ in range(CONTROL_CONNECTIONS_UNKNOWN_MAX + 2)]
    assert await strangers[0].was_let_go()
    assert await strangers[1].was_let_go()
    assert wire.counts["refused"] == 2
    for stranger in strangers:
        stranger.close()


async def test_of_one_containers_connections_the_oldest_are_let_go(wire: ZmtpWire, folder: Path) -> None:
    """One that knows its secret cannot have all of the control plane's descriptors either."""
    strangers = []
    for _ in range(CONTROL_CONNECTIONS_OF_ONE_MAX + 1):
        strangers.append(await Stranger.at(folder))
        strangers[-1].writer.write(message(msgspec.msgpack.encode(HELLO)))
    assert await strangers[0].was_let_go()
    for stranger in strangers:
        stranger.close()


async def test_a_container_that_reads_nothing_is_let_go(folder: Path) -> None:
    wire = ZmtpWire(f"ipc://{folder}/control")
    heard: asyncio.Queue[Peer] = asyncio.Queue()
    await wire.open(lambda peer, _: heard.put_nowait(peer))
    stranger = await Stranger.at(folder)
    stranger.writer.write(message(msgspec.msgpack.encode(HELLO)))
    peer = await heard.get()
    for seq in range(100):
        peer.send(SetConfig(seq=seq, parameters={"text": "x" * (1 << 17)}))
    assert await stranger.was_let_go()
    stranger.close()
    await wire.close()
