"""A client of the least cost, so that what is measured is the server: one connection, no checks, no queues."""

import asyncio
import itertools
from collections import deque
from collections.abc import Callable
from typing import Any, Self

import msgspec
from websockets.asyncio.client import ClientConnection, connect

from pie_wire import chunks
from pie_wire.frames import encode
from pie_wire.messages import AddProgram, AuthIdentify, LaunchProcess, Message, SignalProcess

_decode = msgspec.msgpack.Decoder().decode

OnEvent = Callable[[str, str], None]
"""(event, value)"""


class Failed(Exception):
    """The server said no."""


class Connection:
    """Events of a process go to the function that its launch was given."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[str]] = {}
        self._starting: dict[int, OnEvent] = {}
        self._listening: dict[str, OnEvent] = {}
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, url: str, username: str = "bench") -> Self:
        connection = cls(await connect(url, compression=None, max_size=None, ping_interval=None))
        await connection.ask(AuthIdentify, username=username)
        return connection

    async def close(self) -> None:
        await self._socket.close()
        await self._reading

    async def ask(self, message: Callable[..., Message], **fields: Any) -> str:
        """The answer to one request. Raises `Failed`."""
        corr_id = next(self._ids)
        return await self._send(corr_id, message(corr_id=corr_id, **fields))

    async def install(self, wasm: bytes, manifest: str) -> None:
        corr_id, pieces = next(self._ids), list(chunks.split(wasm))
        program_hash = chunks.hash_of(wasm)
        messages = [
            AddProgram(corr_id, program_hash, manifest, True, index, len(pieces), piece) for index, piece in enumerate(pieces)
        ]
        for message in messages[:-1]:
            await self._socket.send(encode(message))
        await self._send(corr_id, messages[-1])

    async def launch(self, program: str, input_text: str, on_event: OnEvent) -> str:
        """The process's id. `on_event` is called for each of its events, also those that come with the answer."""
        corr_id = next(self._ids)
        self._starting[corr_id] = on_event
        return await self._send(corr_id, LaunchProcess(corr_id, program, input_text, True))

    async def run(self, program: str, input_text: str) -> str:
        """What a process returns."""
        returned: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def note(event: str, value: str) -> None:
            if event == "return":
                returned.set_result(value)
            elif event == "error":
                returned.set_exception(Failed(value))

        await self.launch(program, input_text, note)
        return await returned

    async def signal(self, process_id: str, text: str) -> None:
        await self._socket.send(encode(SignalProcess(process_id, text)))

    async def _send(self, corr_id: int, message: Message) -> str:
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._answers[corr_id] = answer
        await self._socket.send(encode(message))
        return await answer

    async def _read(self) -> None:
        async for frame in self._socket:
            message = _decode(frame)
            if message["type"] == "process_event":
                self._event(message)
            elif message["type"] == "response":
                self._answer(message)

    def _event(self, message: dict[str, Any]) -> None:
        event, process_id = message["event"], message["process_id"]
        on_event = self._listening.pop(process_id) if event in ("return", "error") else self._listening[process_id]
        on_event(event, message["value"])

    def _answer(self, message: dict[str, Any]) -> None:
        corr_id = message["corr_id"]
        on_event = self._starting.pop(corr_id, None)
        if not message["ok"]:
            self._answers.pop(corr_id).set_exception(Failed(message["result"]))
            return
        if on_event is not None:
            self._listening[message["result"]] = on_event
        self._answers.pop(corr_id).set_result(message["result"])


class Waiter:
    """Lets one task wait for messages of a process."""

    def __init__(self) -> None:
        self._events: deque[tuple[str, str]] = deque()
        self._waiting: asyncio.Future[None] | None = None

    def __call__(self, event: str, value: str) -> None:
        self._events.append((event, value))
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def next(self) -> tuple[str, str]:
        """The next event. Raises `Failed` for an error."""
        while not self._events:
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        event, value = self._events.popleft()
        if event == "error":
            raise Failed(value)
        return event, value
