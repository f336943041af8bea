"""A container's side of `pie_flow.endpoint_link`, for tests of the gateway: says what the test tells it to."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import zmq
import zmq.asyncio

from pie_deploy.ports.routes import Link
from pie_flow.endpoint_link import GATEWAY_ID, FromContainer, FromGateway

_decode = msgspec.msgpack.Decoder(FromGateway).decode

Handler = Callable[["EndpointContainer", FromGateway, bytes], Awaitable[None]]


class EndpointContainer:
    """Keeps what comes in `received`; a handler may answer it."""

    def __init__(self, link: Link, handler: Handler | None = None) -> None:
        self.link = link
        self.handler = handler
        self.received: list[tuple[FromGateway, bytes]] = []
        self._came = asyncio.Event()
        self._context = zmq.asyncio.Context()
        self._socket: zmq.asyncio.Socket | None = None
        self._reading: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.set(zmq.ROUTER_MANDATORY, 1)
        self._socket.set(zmq.ROUTER_HANDOVER, 1)
        self._socket.set(zmq.LINGER, 0)
        self._socket.bind(self.link.address)
        self._reading = asyncio.create_task(self._read(self._socket))

    async def stop(self) -> None:
        """As if it had been killed."""
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError):
                await self._reading
        if self._socket is not None:
            self._socket.close(linger=0)
            self._socket = None

    async def close(self) -> None:
        await self.stop()
        self._context.destroy(linger=0)

    async def say(self, message: FromContainer, body: bytes = b"") -> None:
        await self.say_raw(msgspec.msgpack.encode(message), body)

    async def say_raw(self, *frames: bytes) -> None:
        """Waits until the gateway is connected."""
        assert self._socket is not None
        while True:
            try:
                await self._socket.send_multipart([GATEWAY_ID, *frames])
                return
            except zmq.ZMQError as error:
                if error.errno != zmq.EHOSTUNREACH:
                    raise
            await asyncio.sleep(0.005)

    async def get(self, kind: type[Any], number: int = 1) -> tuple[Any, bytes]:
        """The message of a kind that came as the so-manieth; waits for it."""
        async with asyncio.timeout(60):
            while len(found := [pair for pair in self.received if isinstance(pair[0], kind)]) < number:
                self._came.clear()
                await self._came.wait()
        return found[number - 1]

    def count(self, kind: type[Any]) -> int:
        return sum(isinstance(message, kind) for message, _ in self.received)

    async def _read(self, socket: zmq.asyncio.Socket) -> None:
        while True:
            _, head, body = await socket.recv_multipart()
            message = _decode(head)
            self.received.append((message, body))
            self._came.set()
            if self.handler is not None:
                await self.handler(self, message, body)


@asynccontextmanager
async def socket_folder() -> AsyncIterator[Path]:
    """A folder with a path short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="pie-", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
