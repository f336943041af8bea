"""The shell around the protocol: the socket, who waits for which answer, and reconnecting.

    new ──open──▶ open ──socket breaks──▶ recovering ──restored──▶ open
                   │                          │ given up, or never
                   └────────close─────────────┴──────────▶ closed

While it recovers, new requests wait; those that were sent and not answered have failed. Processes wait, too: `restore` attaches to
them again.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal
from weakref import WeakValueDictionary

from pie_client import limits
from pie_client.errors import ConnectionLostError, NotConnectedError, PieClientError, ProtocolError, UnreachableError
from pie_client.events import Event, ProcessEvent
from pie_client.inbox import Flow, Inbox
from pie_client.protocol import Answer, Delivery, Opens, Outcome, Protocol, Unreadable, opens_nothing
from pie_client.reconnect import Reconnect
from pie_client.websocket import CLOSED, WebSocket
from pie_wire.messages import ClientMessage, McpRequest

State = Literal["new", "open", "recovering", "closed"]

_log = logging.getLogger("pie_client")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, with the inboxes of the processes that it opened."""

    ok: bool
    result: str
    inboxes: Mapping[str, Inbox]


@dataclass(frozen=True, slots=True)
class ConnectionStatistics:
    state: State
    frames: int
    unreadable_frames: int
    """Frames that meant nothing, or did not belong to anything."""
    reconnections: int


class Connection:
    """One client's way to its engine, over as many sockets as it takes."""

    def __init__(
        self,
        uri: str,
        *,
        headers: Mapping[str, str],
        reconnect: Reconnect,
        restore: Callable[[], Awaitable[None]],
        asked: Callable[[McpRequest, WebSocket], None],
        unwanted: Callable[[str], None],
    ) -> None:
        """`restore` makes the session anew on a new socket, `asked` gets what processes ask of MCP servers, and the
        socket that the answer belongs to, `unwanted` the ids of processes that were launched for a caller that has given up."""
        self._uri = uri
        self._headers = headers
        self._reconnect = reconnect
        self._restore = restore
        self._asked = asked
        self._unwanted = unwanted
        self._state: State = "new"
        self._why_closed = "connect() was not called"
        self._changed = asyncio.Event()
        self._socket: WebSocket | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._protocol = Protocol()
        self._replies: dict[int, asyncio.Future[Reply]] = {}
        self._inboxes: WeakValueDictionary[str, Inbox] = WeakValueDictionary()
        self._flow = Flow()
        self._frames = self._unreadable = self._reconnections = 0

    @property
    def state(self) -> State:
        return self._state

    def processes(self) -> dict[str, Inbox]:
        """Processes that have not ended and that somebody still holds."""
        return {process_id: inbox for process_id, inbox in self._inboxes.items() if not inbox.ended}

    def statistics(self) -> ConnectionStatistics:
        return ConnectionStatistics(self._state, self._frames, self._unreadable, self._reconnections)

    async def open(self) -> None:
        """Raises `UnreachableError`."""
        if self._state != "new":
            raise NotConnectedError("connect() was called before; make a new client")
        self._socket = await WebSocket.open(self._uri, self._headers)
        self._set("open")
        serving = asyncio.create_task(self._serve(self._socket), name="pie_client serve")
        self._supervisor = asyncio.create_task(self._supervise(serving), name="pie_client supervise")

    async def close(self, *, abruptly: bool = False) -> None:
        """End everything; safe to call at any time, and twice. Who still waits is told that the connection was closed. `abruptly`:
        the other side is not told, so that it does not take what it has sent for received."""
        self._give_up(CLOSED)
        if abruptly and self._socket is not None:
            self._socket.abort()
        tasks = [task for task in (self._supervisor, *self._tasks) if task is not None and task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        if self._socket is not None:
            await self._socket.close()
        await asyncio.gather(*tasks, return_exceptions=True)

    def spawn(self, work: Coroutine[object, object, None]) -> None:
        """Do something beside; ended by `close`."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def request(
        self,
        message: Callable[[int], ClientMessage],
        opens: Opens = opens_nothing,
        *,
        launches: bool = False,
        restoring: bool = False,
    ) -> Reply:
        """Send the message made for a number, and wait for the answer. `launches`: if the caller gives up, what was launched is
        unwanted. `restoring`: while recovering, do not wait for the end of that. Raises `ConnectionLostError`, `NotConnectedError`.
        """
        socket = await self._usable(restoring=restoring)
        corr_id, reply = self._expect(opens)
        try:
            return await self._replied(socket, (message(corr_id),), corr_id, reply)
        except asyncio.CancelledError:
            if launches:
                reply.add_done_callback(self._given_up)
            raise

    async def upload(self, chunks: Callable[[int], Iterable[ClientMessage]], undo: Callable[[int], ClientMessage]) -> Reply:
        """As `request`, with several messages and one answer; an early answer ends the sending. `undo` makes the engine forget what
        it has if the caller gives up in between."""
        socket = await self._usable()
        corr_id, reply = self._expect(opens_nothing)
        try:
            return await self._replied(socket, chunks(corr_id), corr_id, reply)
        except asyncio.CancelledError:
            if not reply.done():
                self.spawn(socket.try_to_send(undo(corr_id)))
            raise

    async def send(self, messages: Iterable[ClientMessage], undo: ClientMessage | None = None) -> None:
        """Send what is not answered. `undo` as with `upload`. Raises `ConnectionLostError`, `NotConnectedError`."""
        socket = await self._usable()
        try:
            for message in messages:
                await socket.send(message)
        except asyncio.CancelledError:
            if undo is not None:
                self.spawn(socket.try_to_send(undo))
            raise

    def fail(self, process_id: str, why: str) -> None:
        """The process cannot be had back."""
        self._protocol.forget(process_id)
        if inbox := self._inboxes.pop(process_id, None):
            inbox.put(ProcessEvent(Event.Error, why))

    def _expect(self, opens: Opens) -> "tuple[int, asyncio.Future[Reply]]":
        corr_id = self._protocol.begin(opens)
        reply = self._replies[corr_id] = asyncio.get_running_loop().create_future()
        reply.add_done_callback(_retrieved)
        return corr_id, reply

    async def _replied(
        self, socket: WebSocket, messages: Iterable[ClientMessage], corr_id: int, reply: "asyncio.Future[Reply]"
    ) -> Reply:
        """Sends, and waits. The future outlives its caller: an answer may still come that opens processes."""
        with self._flow.wanted():
            try:
                for message in messages:
                    await socket.send(message)
                    if reply.done():
                        break
            except ConnectionLostError:
                self._replies.pop(corr_id, None)
                self._protocol.forget_request(corr_id)
                raise
            return await asyncio.shield(reply)

    # --- one socket ---------------------------------------------------------------------------------------------------

    async def _serve(self, socket: WebSocket) -> str:
        """Handle a socket until it ends; why it ended."""
        alive = asyncio.create_task(socket.keep_alive(self._flow))
        try:
            while True:
                await self._flow.readable()
                frame = await socket.receive()
                self._frames += 1
                for outcome in self._protocol.receive(frame):
                    self._handle(outcome, socket)
        except ConnectionLostError as lost:
            return str(lost)
        finally:
            alive.cancel()
            self._interrupt()

    def _interrupt(self) -> None:
        """The socket is gone: nothing that was sent over it will be answered."""
        self._protocol.disconnected()
        replies, self._replies = self._replies, {}
        for reply in replies.values():
            if not reply.done():
                reply.set_exception(ConnectionLostError(f"{CLOSED} before the engine answered"))

    # --- what came ----------------------------------------------------------------------------------------------------

    def _handle(self, outcome: Outcome, socket: WebSocket) -> None:
        match outcome:
            case Delivery():
                if (inbox := self._inboxes.get(outcome.process_id)) is not None:
                    inbox.put(outcome.event)
            case Answer():
                self._answer(outcome)
            case McpRequest():
                self._asked(outcome, socket)
            case Unreadable():
                self._ignore(outcome)

    def _answer(self, answer: Answer) -> None:
        inboxes = {process_id: self._inboxes.get(process_id) or Inbox(self._flow) for process_id in answer.opened}
        self._inboxes.update(inboxes)
        reply = self._replies.pop(answer.corr_id)
        if not reply.done():
            reply.set_result(Reply(answer.ok, answer.result, inboxes))

    def _ignore(self, unreadable: Unreadable) -> None:
        self._unreadable += 1
        _log.warning("ignored from the engine: %s", unreadable.problem)
        reply = self._replies.pop(unreadable.corr_id, None) if unreadable.corr_id is not None else None
        if reply is not None and not reply.done():
            reply.set_exception(ProtocolError(f"the engine's answer cannot be read: {unreadable.problem}"))

    def _given_up(self, reply: "asyncio.Future[Reply]") -> None:
        """The answer to a launch has come whose caller was cancelled."""
        if not reply.cancelled() and reply.exception() is None:
            for process_id in reply.result().inboxes:
                self._unwanted(process_id)

    # --- the next socket ----------------------------------------------------------------------------------------------

    async def _usable(self, *, restoring: bool = False) -> WebSocket:
        """The socket, once it may be used."""
        while self._state == "recovering" and not restoring:
            await self._changed.wait()
        if self._state in ("new", "closed") or self._socket is None:
            raise NotConnectedError(self._why_closed)
        return self._socket

    async def _supervise(self, serving: "asyncio.Task[str]") -> None:
        loop = asyncio.get_running_loop()
        pauses, since = self._reconnect.pauses(random.Random()), loop.time()
        try:
            while True:
                why = await serving
                self._set("recovering")
                if loop.time() - since > limits.STABLE_AFTER_S:
                    pauses = self._reconnect.pauses(random.Random())
                try:
                    serving = await self._recovered(pauses, why)
                except PieClientError as error:
                    return self._give_up(str(error))
                since = loop.time()
                self._reconnections += 1
                self._set("open")
        finally:
            serving.cancel()

    async def _recovered(self, pauses: Iterable[float], why: str) -> "asyncio.Task[str]":
        """A new socket being served, with the session restored. Raises `PieClientError` when it is time to give up."""
        _log.info("connection lost: %s", why)
        for pause_s in pauses:
            await asyncio.sleep(pause_s)
            try:
                self._socket = await WebSocket.open(self._uri, self._headers)
                return await self._restored(self._socket)
            except (UnreachableError, ConnectionLostError, TimeoutError) as error:
                _log.info("not reconnected: %s", error)
        raise ConnectionLostError(CLOSED)

    async def _restored(self, socket: WebSocket) -> "asyncio.Task[str]":
        """A socket being served, on which the session is as it was. Raises what `restore` raises, and `TimeoutError`."""
        serving = asyncio.create_task(self._serve(socket), name="pie_client serve")
        try:
            async with asyncio.timeout(limits.RESTORE_TIMEOUT_S):
                await self._restore()
        except BaseException:
            serving.cancel()
            socket.abort()
            raise
        return serving

    def _give_up(self, why: str) -> None:
        self._why_closed = why
        self._set("closed")
        self._interrupt()
        for process_id in self.processes():
            self.fail(process_id, why)

    def _set(self, state: State) -> None:
        if self._state != "closed":
            self._state = state
            self._changed.set()
            self._changed = asyncio.Event()


def _retrieved(reply: "asyncio.Future[Reply]") -> None:
    """Nobody may be left to look at an error."""
    if not reply.cancelled():
        reply.exception()
