"""An engine without an engine: speaks the protocol from the other side, with programs of a few lines and faults on demand."""

import asyncio
import base64
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from pie_wire import messages
from pie_wire.chunks import Assembly, count, hash_of, split
from pie_wire.errors import ChunkError, FrameError
from pie_wire.frames import decode_client_message, encode
from pie_wire.messages import EventName, Message, Response

PATIENCE_S = 30
CHALLENGE = b"prove who you are"


@dataclass(eq=False)
class FakeProcess:
    """Its events wait while nobody is attached."""

    id: str
    program: str
    input: Any
    session: "Session | None" = None
    waiting: list[Message] = field(default_factory=list)
    signals: "asyncio.Queue[str]" = field(default_factory=asyncio.Queue)
    files: list[bytes] = field(default_factory=list)
    ended: bool = False

    async def say(self, event: EventName, value: str) -> None:
        await self.give(messages.ProcessEvent(self.id, event, value))

    async def give(self, message: Message) -> None:
        if self.session is None:
            self.waiting.append(message)
        else:
            await self.session.send(message)

    async def give_file(self, data: bytes, name: str = "", *, file_hash: str | None = None) -> None:
        total = count(len(data))
        for index, chunk in enumerate(split(data)):
            file = messages.File(self.id, file_hash or hash_of(data), index, total, chunk, name or msgspec.UNSET)
            await self.give(file)

    async def end(self, event: EventName, value: str) -> None:
        self.ended = True
        await self.say(event, value)


class FakeEngine:
    """`async with FakeEngine() as engine`, then `engine.uri`."""

    def __init__(self, *, require_key: bool = False) -> None:
        self.require_key = require_key
        self.refusing = False
        """Whether new connections are closed at once."""
        self.silent = False
        """Whether requests are left unanswered."""
        self.signals_max = 1 << 30
        """Unread signals that a process may have."""
        self.sessions: list[Session] = []
        self.sessions_ever = 0
        self.processes: dict[str, FakeProcess] = {}
        self.installed: dict[str, tuple[bytes, str]] = {}
        self.got: list[Message] = []
        self.mcp_answers: asyncio.Queue[messages.McpResponse] = asyncio.Queue()
        self.programs: dict[str, Callable[[FakeProcess], Any]] = {"echo": _echo, "count": _count, "converse": _converse}
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await serve(self._handle, "127.0.0.1", 0, compression=None, max_size=None)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._server is not None
        for task in self._tasks:
            task.cancel()
        await self.drop()
        self._server.close()
        await self._server.wait_closed()

    @property
    def uri(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(next(iter(self._server.sockets)).getsockname()[1])

    async def drop(self) -> None:
        """Cut all connections without a word, and wait until that is known here."""
        sessions = list(self.sessions)
        for session in sessions:
            session.socket.transport.abort()
        await until(lambda: not any(session in self.sessions for session in sessions))

    def start(self, program: str, given: Any, session: "Session | None") -> FakeProcess:
        process = FakeProcess(f"{len(self.processes):08x}-0000-4000-8000-000000000000", program, given, session)
        self.processes[process.id] = process
        return process

    def run(self, process: FakeProcess) -> None:
        task = asyncio.create_task(self.programs[process.program](process))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _handle(self, socket: ServerConnection) -> None:
        if self.refusing:
            socket.transport.abort()
            return
        session = Session(self, socket)
        self.sessions.append(session)
        self.sessions_ever += 1
        try:
            async for frame in socket:
                assert isinstance(frame, bytes)
                await session.take(frame)
        except ConnectionClosed:
            pass
        finally:
            self.sessions.remove(session)
            for process in self.processes.values():
                if process.session is session:
                    process.session = None


class Session:
    """One connection."""

    def __init__(self, engine: FakeEngine, socket: ServerConnection) -> None:
        self.engine = engine
        self.socket = socket
        self.username: str | None = None
        self._uploads: dict[str, Assembly] = {}

    async def send(self, message: Message) -> None:
        with suppress(ConnectionClosed):
            await self.socket.send(encode(message))

    async def answer(self, corr_id: int, result: str, *, ok: bool = True) -> None:
        await self.send(Response(corr_id, ok, result))

    async def take(self, frame: bytes) -> None:
        try:
            message = decode_client_message(frame)
        except FrameError as error:
            if error.corr_id is not None:
                await self.answer(error.corr_id, f"bad frame: {error}", ok=False)
            return
        self.engine.got.append(message)
        if self.engine.silent:
            return
        handler = getattr(self, f"on_{type(message).__struct_config__.tag}", None)
        if handler is not None:
            await handler(message)

    async def on_auth_identify(self, message: messages.AuthIdentify) -> None:
        self.username = message.username
        if message.username == "nobody":
            await self.answer(message.corr_id, "User 'nobody' is not authorized", ok=False)
        elif self.engine.require_key:
            await self.answer(message.corr_id, base64.b64encode(CHALLENGE).decode())
        else:
            await self.answer(message.corr_id, messages.AUTHENTICATED_WITHOUT_AUTH)

    async def on_auth_prove(self, message: messages.AuthProve) -> None:
        await self.answer(message.corr_id, messages.AUTHENTICATED)

    async def on_auth_by_token(self, message: messages.AuthByToken) -> None:
        good = message.token == "open sesame"
        await self.answer(message.corr_id, messages.AUTHENTICATED if good else "Invalid token", ok=good)

    async def on_ping(self, message: messages.Ping) -> None:
        await self.answer(message.corr_id, "Pong")

    async def on_query(self, message: messages.Query) -> None:
        known = {"model_status": "{}", "status": '{"draining": false}', "processes": self._listed()}
        await self.answer(message.corr_id, known.get(message.subject, "unknown subject"), ok=message.subject in known)

    async def on_drain(self, message: messages.Drain) -> None:
        await self.answer(message.corr_id, "drained")

    async def on_reload_config(self, message: messages.ReloadConfig) -> None:
        await self.answer(message.corr_id, '["limits.processes"]')

    async def on_register_mcp_server(self, message: messages.RegisterMcpServer) -> None:
        await self.answer(message.corr_id, "MCP server registered")

    async def on_mcp_response(self, message: messages.McpResponse) -> None:
        self.engine.mcp_answers.put_nowait(message)

    async def on_check_program(self, message: messages.CheckProgram) -> None:
        wasm, manifest = self.engine.installed.get(f"{message.name}@{message.version}", (None, ""))
        same = wasm is not None and message.wasm_hash in (None, hash_of(wasm))
        same = same and message.manifest_hash in (None, hash_of(manifest.encode()))
        await self.answer(message.corr_id, "true" if same else "false")

    async def on_add_program(self, message: messages.AddProgram) -> None:
        assembly = self._uploads.setdefault(message.program_hash, Assembly(message.total_chunks, 1 << 28, too_large="too large"))
        try:
            wasm = assembly.add(message.chunk_index, message.total_chunks, message.chunk_data)
        except ChunkError as error:
            del self._uploads[message.program_hash]
            await self.answer(message.corr_id, str(error), ok=False)
            return
        if wasm is not None:
            del self._uploads[message.program_hash]
            await self._install(message, wasm)

    async def _install(self, message: messages.AddProgram, wasm: bytes) -> None:
        from pie_wire.manifest import parse

        name = str(parse(message.manifest).id)
        if message.force_overwrite or name not in self.engine.installed:
            self.engine.installed[name] = (wasm, message.manifest)
        await self.answer(message.corr_id, "Program installed successfully")

    async def on_launch_process(self, message: messages.LaunchProcess) -> None:
        name = message.inferlet.partition("@")[0]
        if name not in self.engine.programs:
            await self.answer(message.corr_id, f"Program '{name}' not found", ok=False)
            return
        process = self.engine.start(name, json.loads(message.input), self if message.capture_outputs else None)
        await self.answer(message.corr_id, process.id if message.capture_outputs else "")
        self.engine.run(process)

    async def on_launch_processes(self, message: messages.LaunchProcesses) -> None:
        processes = [self.engine.start(message.inferlet, json.loads(text), self) for text in message.inputs]
        await self.answer(message.corr_id, json.dumps([process.id for process in processes]))
        for process in processes:
            self.engine.run(process)

    async def on_run_processes(self, message: messages.RunProcesses) -> None:
        await self.answer(message.corr_id, json.dumps(message.inputs))

    async def on_attach_process(self, message: messages.AttachProcess) -> None:
        process = self.engine.processes.get(message.process_id)
        if process is None or process.session is not None:
            await self.answer(message.corr_id, "Process not found", ok=False)
            return
        await self.answer(message.corr_id, "Process attached")
        process.session, waiting, process.waiting = self, process.waiting, []
        for event in waiting:
            await process.give(event)

    async def on_terminate_process(self, message: messages.TerminateProcess) -> None:
        process = self.engine.processes.get(message.process_id)
        if process is None or process.ended:
            await self.answer(message.corr_id, "Process not found", ok=False)
            return
        await self.answer(message.corr_id, "Process terminated")
        await process.end("error", "Signal")

    async def on_list_processes(self, message: messages.ListProcesses) -> None:
        await self.answer(message.corr_id, self._listed())

    async def on_signal_process(self, message: messages.SignalProcess) -> None:
        signals = self.engine.processes[message.process_id].signals
        taken = signals.qsize() < self.engine.signals_max
        if taken:
            signals.put_nowait(message.message)
        if message.corr_id is not None:
            await self.answer(message.corr_id, "Signal sent" if taken else "the signal was dropped: full", ok=taken)

    async def on_transfer_file(self, message: messages.TransferFile) -> None:
        assembly = self._uploads.setdefault(message.file_hash, Assembly(message.total_chunks, 1 << 28, too_large="too large"))
        try:
            data = assembly.add(message.chunk_index, message.total_chunks, message.chunk_data)
        except ChunkError:
            del self._uploads[message.file_hash]
            return
        if data is not None:
            del self._uploads[message.file_hash]
            self.engine.processes[message.process_id].files.append(data)
            if message.corr_id is not None:
                await self.answer(message.corr_id, "File sent")

    async def on_launch_daemon(self, message: messages.LaunchDaemon) -> None:
        await self.answer(message.corr_id, "daemons are not supported", ok=False)

    def _listed(self) -> str:
        alive = [process for process in self.engine.processes.values() if not process.ended]
        listed = [
            messages.ListedProcess(
                id=process.id,
                username=self.username or "",
                program=f"{process.program}@0.1.0",
                input=json.dumps(process.input),
                elapsed_secs=1.5,
                state="running",
                attached=process.session is not None,
            )
            for process in alive
        ]
        return msgspec.json.encode(listed).decode()


async def _echo(process: FakeProcess) -> None:
    await process.end("return", json.dumps(process.input))


async def _count(process: FakeProcess) -> None:
    """Messages 0, 1, … as many as asked for, each padded to a length."""
    for number in range(process.input["to"]):
        await process.say("message", str(number).ljust(process.input.get("length", 0)))
    await process.end("return", "done")


async def _converse(process: FakeProcess) -> None:
    """Says back what it is told, until that is "end"."""
    await process.say("message", "hello")
    while (text := await process.signals.get()) != "end":
        await process.say("message", text)
    await process.end("return", "bye")


async def until(holds: Callable[[], bool]) -> None:
    """Turn the loop until something holds."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await asyncio.sleep(0.005)
