"""Clients without a socket, and a hub for them: messages in, messages out."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TypeVar, cast

from pie.auth.credentials import Credentials
from pie.config.config import Config
from pie.engine.engine import Engine
from pie.engine.library import Library
from pie.engine.program import InstalledProgram
from pie.errors import ProgramNotFoundError
from pie.net.hub import Hub
from pie.net.login import Randomness
from pie.net.outgoing import Outgoing
from pie.net.session import Session
from pie_wire.frames import decode_server_message, encode
from pie_wire.messages import (
    AuthIdentify,
    File,
    LaunchProcess,
    McpRequest,
    Message,
    ProcessEvent,
    Response,
    ServerMessage,
)

T = TypeVar("T")

TOKEN = "the-token-of-the-server"
CHALLENGE = bytes(range(48))


class FakeOperations:
    """Does nothing, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def drain(self, enabled: bool) -> None:
        self.asked.append(f"drain {enabled}")

    async def reload(self) -> list[str]:
        self.asked.append("reload")
        return ["limits.connections"]

    def status(self) -> dict[str, object]:
        return {"fine": True}


class FakeLibrary:
    """Programs by target. `gate` holds up `find` and `add` while it is clear."""

    def __init__(self) -> None:
        self.programs: dict[str, InstalledProgram] = {}
        self.added: list[tuple[str, bytes, str, bool]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def close(self) -> None:
        pass

    def has(self, owner: str, name: str, version: str, wasm_hash: str | None = None, manifest_hash: str | None = None) -> bool:
        return f"{name}@{version}" in self.programs

    async def add(self, owner: str, wasm: bytes, manifest_text: str, *, force: bool = False) -> None:
        await self.gate.wait()
        self.added.append((owner, wasm, manifest_text, force))

    async def find(self, owner: str, target: str) -> InstalledProgram:
        await self.gate.wait()
        if target not in self.programs:
            raise ProgramNotFoundError(f"there is no program '{target}'")
        return self.programs[target]


def fake_hub(engine: Engine, credentials: Credentials, config: Config) -> tuple[Hub, FakeLibrary]:
    """A hub whose engine finds its programs in a fake library, and whose challenges are known."""
    library = FakeLibrary()
    engine.library = cast("Library", library)
    chance = Randomness(lambda size: CHALLENGE[:size], lambda: 0.001)
    return Hub(engine, credentials, config, FakeOperations(), token=TOKEN, randomness=chance), library


class Client:
    """One session and the client at its other end. While `reads` is False it takes nothing: its socket is full."""

    def __init__(self, hub: Hub, *, shows_no_keys: bool = False) -> None:
        self.hub = hub
        self.outgoing = Outgoing()
        self.received: list[ServerMessage] = []
        self.largest_frame = 0
        self.reads = True
        self._corr_id = 0
        self._tasks: list[asyncio.Task[object]] = []
        self._work = asyncio.Event()
        self._news = asyncio.Event()
        self.outgoing.on_work = self._work.set
        self.session = Session(hub, self.outgoing, self._spawn, shows_no_keys=shows_no_keys)
        self._spawn(self.session.work())
        self._spawn(self._take_frames())

    def send(self, message: Message) -> None:
        self.session.receive(encode(message))

    def send_raw(self, frame: bytes) -> None:
        self.session.receive(frame)

    def corr_id(self) -> int:
        self._corr_id += 1
        return self._corr_id

    async def ask(self, make: Callable[[int], Message]) -> Response:
        """Send what `make` makes of a new number, and wait for the answer."""
        corr_id = self.corr_id()
        self.send(make(corr_id))
        return await self.response(corr_id)

    async def response(self, corr_id: int) -> Response:
        return await self.until(lambda: next((m for m in self.responses() if m.corr_id == corr_id), None))

    async def log_in(self, username: str = "ada") -> "Client":
        assert (await self.ask(lambda n: AuthIdentify(n, username))).ok
        return self

    async def launch(self, program: str = "test", text: str = "{}") -> str:
        answer = await self.ask(lambda n: LaunchProcess(n, program, text, True))
        assert answer.ok, answer.result
        return answer.result

    async def ended(self, process_id: str) -> list[ProcessEvent]:
        """All events of a process, once it has ended."""
        await self.until(lambda: [e for e in self.events(process_id) if e.event in ("return", "error")])
        return self.events(process_id)

    async def until(self, look: Callable[[], T | None]) -> T:
        """What `look` sees once that is something, after whatever has been received."""
        while not (seen := look()):
            self._news.clear()
            await asyncio.wait_for(self._news.wait(), 30)
        return seen

    def responses(self) -> list[Response]:
        return [message for message in self.received if isinstance(message, Response)]

    def events(self, process_id: str) -> list[ProcessEvent]:
        return [m for m in self.received if isinstance(m, ProcessEvent) and m.process_id == process_id]

    def files(self) -> list[File]:
        return [message for message in self.received if isinstance(message, File)]

    def mcp_requests(self) -> list[McpRequest]:
        return [message for message in self.received if isinstance(message, McpRequest)]

    def read_on(self) -> None:
        self.reads = True
        self._work.set()

    async def leave(self, *, properly: bool = False) -> None:
        """The connection breaks, or is closed."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.session.close(properly=properly)

    def _spawn(self, body: Coroutine[object, object, None]) -> object:
        self._tasks.append(task := asyncio.get_running_loop().create_task(body))
        return task

    async def _take_frames(self) -> None:
        while True:
            for frame in self.outgoing.frames():
                while not self.reads:
                    self._work.clear()
                    await self._work.wait()
                self.largest_frame = max(self.largest_frame, len(frame))
                self.received.append(decode_server_message(frame))
                self._news.set()
            self._work.clear()
            if self.outgoing.is_idle:
                await self._work.wait()
