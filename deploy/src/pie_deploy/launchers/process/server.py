"""The supervisor's side of the socket: who may speak, what is asked, what is answered."""

import asyncio
import logging
import os
from collections.abc import Callable
from typing import assert_never

import msgspec

from pie_deploy.launchers.process.containers import Containers, StartError
from pie_deploy.launchers.process.frames import FrameError, frame, read_frame
from pie_deploy.launchers.process.messages import (
    PROTOCOL_VERSION,
    Answer,
    Attend,
    Changed,
    Done,
    End,
    Failed,
    Forget,
    FromLauncher,
    FromSupervisor,
    Hello,
    Observe,
    Observed,
    Request,
    Start,
    Stop,
    StopAll,
    Welcome,
)
from pie_deploy.launchers.process.peer import peer_uid
from pie_deploy.limits import (
    SUPERVISOR_BACKLOG_BYTES_MAX,
    SUPERVISOR_CONNECTIONS_MAX,
    SUPERVISOR_GREETING_S,
    SUPERVISOR_REQUESTS_MAX,
)

_logger = logging.getLogger(__name__)


class Server:
    """`on_end` is called when a launcher asks the supervisor to end. `orphan_grace_s` is what the last one that came wants."""

    def __init__(self, containers: Containers, on_end: Callable[[], None], orphan_grace_s: float) -> None:
        self._containers = containers
        self._on_end = on_end
        self.orphan_grace_s = orphan_grace_s
        self._connections: set[Connection] = set()
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def is_alone(self) -> bool:
        """Whether no control plane is in touch."""
        return not self._connections

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def close(self) -> None:
        """Hangs up on everybody."""
        for task in self._serving:
            task.cancel()
        if self._serving:
            await asyncio.wait(self._serving)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its first byte to its last."""
        connection = Connection(writer)
        try:
            if peer_uid(writer.get_extra_info("socket")) != os.getuid() or len(self._serving) > SUPERVISOR_CONNECTIONS_MAX:
                return
            if await asyncio.wait_for(self._greet(reader, connection), SUPERVISOR_GREETING_S):
                self._connections.add(connection)
                await self._answer_all(reader, connection)
        except (FrameError, msgspec.DecodeError, TimeoutError) as error:
            _logger.warning("a launcher sends what cannot be read: %s", error)
        finally:
            self._connections.discard(connection)
            writer.close()

    async def _greet(self, reader: asyncio.StreamReader, connection: "Connection") -> bool:
        payload = await read_frame(reader)
        if payload is None:
            return False
        hello = msgspec.msgpack.decode(payload, type=Hello)
        connection.send(Welcome(version=PROTOCOL_VERSION, pid=os.getpid()))
        return hello.version == PROTOCOL_VERSION

    async def _answer_all(self, reader: asyncio.StreamReader, connection: "Connection") -> None:
        tasks: set[asyncio.Task[None]] = set()
        while (payload := await read_frame(reader)) is not None:
            message = msgspec.msgpack.decode(payload, type=FromLauncher)
            if isinstance(message, Hello) or len(tasks) >= SUPERVISOR_REQUESTS_MAX:
                raise FrameError("too many questions at once, or a second hello")
            task = asyncio.create_task(self._answer(message, connection))
            tasks.add(task)  # what has been asked is done, also when the one who asked has gone
            task.add_done_callback(tasks.discard)

    async def _answer(self, request: Request, connection: "Connection") -> None:
        try:
            answer = await self._carry_out(request)
        except StartError as error:
            answer = Failed(id=request.id, message=str(error))
        except Exception as error:
            _logger.exception("a request failed")
            answer = Failed(id=request.id, message=f"the supervisor failed: {error}")
        connection.send(answer)

    async def _carry_out(self, request: Request) -> Answer:
        match request:
            case Start():
                await self._containers.start(request.launch)
            case Stop():
                await self._containers.stop(request.container_id, request.grace_s)
            case StopAll():
                await self._containers.stop_all(request.grace_s)
            case Forget():
                await self._containers.forget(request.container_id)
            case Observe():
                return Observed(id=request.id, containers=self._containers.reports())
            case Attend():
                self.orphan_grace_s = request.orphan_grace_s
            case End():
                await self._containers.stop_all(0)
                self._on_end()
            case _:
                assert_never(request)
        return Done(id=request.id)

    def tell_changed(self, container_id: str) -> None:
        for connection in self._connections:
            connection.send(Changed(container_id=container_id))


class Connection:
    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    def send(self, message: FromSupervisor) -> None:
        """Never waits: who does not read what he asked for is cut off, and may come again."""
        if self._writer.is_closing():
            return
        self._writer.write(frame(message))
        if self._writer.transport.get_write_buffer_size() > SUPERVISOR_BACKLOG_BYTES_MAX:
            self._writer.transport.abort()
