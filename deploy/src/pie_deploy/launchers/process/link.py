"""The launcher's side of the socket: questions with answers, and hints that come unasked."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from pie_deploy.errors import LauncherError
from pie_deploy.launchers.process.frames import FrameError, frame, read_frame
from pie_deploy.launchers.process.messages import (
    PROTOCOL_VERSION,
    Answer,
    Changed,
    Failed,
    FromSupervisor,
    Hello,
    Request,
    Welcome,
)
from pie_deploy.launchers.process.peer import peer_uid
from pie_deploy.limits import SUPERVISOR_ANSWER_S


class OtherVersionError(LauncherError):
    """The supervisor is one of another version of the platform."""

    def __init__(self, version: int, pid: int) -> None:
        super().__init__(f"the supervisor (process {pid}) speaks version {version}, not {PROTOCOL_VERSION}")
        self.pid = pid


class LinkLostError(LauncherError):
    """The supervisor has gone before it answered."""


class Link:
    """A connection to a supervisor. `on_change` gets container ids, `on_lost` is called once when it has gone."""

    def __init__(self, writer: asyncio.StreamWriter, on_change: Callable[[str], None], on_lost: Callable[[], None]) -> None:
        self._writer = writer
        self._on_change = on_change
        self._on_lost = on_lost
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._last_id = 0
        self._reading: asyncio.Task[None] | None = None
        self._is_lost = False
        self.supervisor_pid = 0

    @classmethod
    async def connect(cls, path: Path, on_change: Callable[[str], None], on_lost: Callable[[], None]) -> "Link":
        """Raises OSError when nobody listens, OtherVersionError, and LauncherError when it is not a supervisor of this user."""
        reader, writer = await asyncio.open_unix_connection(path)
        link = cls(writer, on_change, on_lost)
        try:
            await asyncio.wait_for(link._greet(reader), SUPERVISOR_ANSWER_S)
        except BaseException:
            writer.close()
            raise
        link._reading = asyncio.create_task(link._read(reader), name="supervisor-link")
        return link

    async def _greet(self, reader: asyncio.StreamReader) -> None:
        if peer_uid(self._writer.get_extra_info("socket")) != os.getuid():
            raise LauncherError("the supervisor's socket belongs to somebody else")
        self._writer.write(frame(Hello(version=PROTOCOL_VERSION)))
        try:
            payload = await read_frame(reader)
            if payload is None:
                raise ConnectionResetError("the supervisor has gone")
            welcome = msgspec.msgpack.decode(payload, type=Welcome)
        except (FrameError, msgspec.DecodeError) as error:
            raise LauncherError("what listens at the supervisor's socket is no supervisor") from error
        self.supervisor_pid = welcome.pid
        if welcome.version != PROTOCOL_VERSION:
            raise OtherVersionError(welcome.version, welcome.pid)

    @property
    def is_lost(self) -> bool:
        return self._is_lost

    def next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    async def ask(self, request: Request, *, patience_s: float = 0.0) -> Answer:
        """The answer. Raises LauncherError with the supervisor's reason, LinkLostError when it goes before it answers."""
        if self._is_lost:
            raise LinkLostError("the supervisor has gone")
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[request.id] = answer
        try:
            self._writer.write(frame(request))
            result = await asyncio.wait_for(answer, patience_s + SUPERVISOR_ANSWER_S)
        except TimeoutError as error:
            raise LauncherError("the supervisor does not answer") from error
        finally:
            del self._waiting[request.id]
        if isinstance(result, Failed):
            raise LauncherError(result.message)
        return result

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while (payload := await read_frame(reader)) is not None:
                self._take(msgspec.msgpack.decode(payload, type=FromSupervisor))
        except (FrameError, msgspec.DecodeError):
            pass  # as good as gone
        finally:
            self._lose()

    def _take(self, message: FromSupervisor) -> None:
        if isinstance(message, Changed):
            self._on_change(message.container_id)
        elif not isinstance(message, Welcome):
            answer = self._waiting.get(message.id)
            if answer is not None and not answer.done():
                answer.set_result(message)

    def _lose(self) -> None:
        if self._is_lost:
            return
        self._is_lost = True
        self._writer.close()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(LinkLostError("the supervisor has gone"))
        self._on_lost()

    async def close(self) -> None:
        """Hangs up; `on_lost` is not called."""
        self._on_lost = _nothing
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait({self._reading})


def _nothing() -> None:
    pass
