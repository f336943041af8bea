"""The control link over real sockets."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import zmq
import zmq.asyncio

from pie_deploy.controller.zeromq_wire import ZeroMqWire
from pie_deploy.errors import StorageError
from pie_deploy.ports.control import Peer
from pie_flow.control import FromContainer, Hello, ToContainer, Welcome

HELLO = Hello(container_id="c-1", incarnation="x", secret="s", pid=1, step="started", config_seq=0)
PATIENCE_S = 30


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
    wire = ZeroMqWire(f"ipc://{folder}/control")
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
    wire = ZeroMqWire(f"ipc://{folder}/control")
    heard: asyncio.Queue[FromContainer] = asyncio.Queue()
    await wire.open(lambda _, message: heard.put_nowait(message))
    container = Container(f"ipc://{folder}/control")
    try:
        for nonsense in (b"", b"\xc1", b"\x91" * 5000, msgspec.msgpack.encode({"type": "hello"}), b"\xa2\xff\xff"):
            await container.send(nonsense)
        await container.send(msgspec.msgpack.encode(HELLO))
        async with asyncio.timeout(PATIENCE_S):
            assert await heard.get() == HELLO
        assert wire.malformed == 5
    finally:
        container.close()
        await wire.close()


async def test_a_container_finds_the_next_control_plane_at_the_same_address(folder: Path) -> None:
    address = f"ipc://{folder}/control"
    first, second = ZeroMqWire(address), ZeroMqWire(address)
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
    wire = ZeroMqWire(f"ipc://{folder}/none/control")
    with pytest.raises(StorageError):
        await wire.open(lambda _peer, _message: None)
