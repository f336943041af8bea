"""A session: what one client says, frame by frame, and what becomes of it. It has no socket: frames come in by `receive`, answers
leave through `Outgoing`.

    receive ──▶ overtaking? ──────────────────────────────▶ handled at once
                    │ no
                    ▼
                  lane ──▶ work: one after the other, logging in included

Whatever comes is answered if a `corr_id` can be read from it, and counted.
"""

import asyncio
import logging
from collections import deque

from pie.errors import PieError
from pie.limits import SESSION_LOGIN_BYTES_MAX, SESSION_REQUEST_BYTES_MAX, SESSION_REQUESTS_MAX, SESSION_REQUESTS_PER_TURN
from pie.net.caller import Caller, Spawn, caller
from pie.net.hub import Hub
from pie.net.login import Login, LoginMessage
from pie.net.outgoing import Outgoing
from pie.net.refused import RefusedError
from pie.net.requests import AT_ONCE, IN_TURN, LOGIN, OVERTAKING, AtOnce, corr_id_of
from pie_wire.errors import FrameError, WireError
from pie_wire.frames import decode_client_message
from pie_wire.messages import Message, SignalProcess, TransferFile

log = logging.getLogger(__name__)

NOT_LOGGED_IN = "Not authenticated: log in first (auth_identify or auth_by_token)"
REMOVED = "Permission denied: the user was removed"
INTERNAL = "internal error of the server; its log has the details"


class Session:
    """The client's side of the conversation, as long as its connection lives."""

    def __init__(self, hub: Hub, outgoing: Outgoing, spawn: Spawn, *, shows_no_keys: bool = False) -> None:
        """`spawn` runs what a request leaves behind that is not done yet, and ends it with the connection."""
        self._hub = hub
        self._outgoing = outgoing
        self._spawn = spawn
        self._login = Login(hub.credentials, hub.token, hub.randomness, shows_no_keys=shows_no_keys)
        self._caller: Caller | None = None
        self._lane: deque[tuple[Message, int]] = deque()
        self._lane_bytes = 0
        self._is_working = False
        self._arrived = asyncio.Event()
        self._moved = asyncio.Event()
        """Something was worked off or sent."""
        outgoing.on_room = self._moved.set

    @property
    def is_logged_in(self) -> bool:
        return self._caller is not None

    @property
    def username(self) -> str:
        """Empty before the login."""
        return self._caller.username if self._caller is not None else ""

    @property
    def requests_waiting(self) -> int:
        return len(self._lane)

    @property
    def is_full(self) -> bool:
        """Nothing more should be received before something was worked off, or read by the client."""
        bytes_max = SESSION_REQUEST_BYTES_MAX if self.is_logged_in else SESSION_LOGIN_BYTES_MAX
        return len(self._lane) >= SESSION_REQUESTS_MAX or self._lane_bytes > bytes_max or self._outgoing.is_full

    async def room(self) -> None:
        """Wait while it is full."""
        while self.is_full:
            self._moved.clear()
            await self._moved.wait()

    def receive(self, frame: bytes) -> None:
        """Take one frame."""
        self._hub.counters.frames_in += 1
        try:
            message = decode_client_message(frame)
        except FrameError as error:
            self._refuse_frame(error)
            return
        kind = type(message)
        handler = OVERTAKING.get(kind) or (AT_ONCE.get(kind) if self._is_idle else None)
        if handler is not None:
            self._handle_at_once(handler, message)
        else:
            self._lane.append((message, len(frame)))
            self._lane_bytes += len(frame)
            self._arrived.set()

    async def work(self) -> None:
        """Work off the lane, forever."""
        handled = 0
        while True:
            while self._lane:
                await self._client_reads()
                await self._work_one()
                handled += 1
                if handled % SESSION_REQUESTS_PER_TURN == 0:
                    await asyncio.sleep(0)
            self._arrived.clear()
            await self._arrived.wait()

    def close(self, *, properly: bool = False) -> None:
        """The connection is gone, closed `properly` by the client or broken. What was attached to it runs on."""
        self._hub.held.release(self._outgoing, properly=properly)
        self._outgoing.relay.close()
        if self._caller is not None:
            self._caller.uploads.clear()
            self._caller.files.clear()

    @property
    def _is_idle(self) -> bool:
        return not self._lane and not self._is_working

    async def _work_one(self) -> None:
        message, size = self._lane.popleft()
        self._lane_bytes -= size
        self._is_working = True
        await self._handle_in_turn(message)
        self._is_working = False
        self._moved.set()

    async def _client_reads(self) -> None:
        """Wait while the client has too much to read."""
        while self._outgoing.is_full:
            self._moved.clear()
            await self._moved.wait()

    def _refuse_frame(self, error: FrameError) -> None:
        self._hub.counters.frames_bad += 1
        if error.corr_id is not None:
            self._outgoing.answer(error.corr_id, ok=False, result=f"Malformed message: {error}")

    def _handle_at_once(self, handler: AtOnce, message: Message) -> None:
        try:
            self._answer(message, handler(self._demand_caller(), message))
        except (RefusedError, PieError, WireError) as error:
            self._refuse(message, str(error))
        except Exception:
            self._blame(message)

    async def _handle_in_turn(self, message: Message) -> None:
        kind = type(message)
        if kind in AT_ONCE:
            self._handle_at_once(AT_ONCE[kind], message)
            return
        try:
            if kind in LOGIN:
                await self._log_in(message)  # type: ignore[arg-type]
            else:
                self._answer(message, await IN_TURN[kind](self._demand_caller(), message))
        except (RefusedError, PieError, WireError) as error:
            self._refuse(message, str(error))
        except Exception:
            self._blame(message)

    async def _log_in(self, message: LoginMessage) -> None:
        reply = self._login.reply(message)
        if not reply.ok:
            self._hub.counters.logins_refused += 1
        if reply.delay_s:
            await asyncio.sleep(reply.delay_s)
        if self._login.state == "authenticated" and self._caller is None:
            self._caller = caller(self._hub, self._outgoing, self._login.username, self._spawn)
        self._outgoing.answer(message.corr_id, reply.ok, reply.text)

    def _demand_caller(self) -> Caller:
        if self._caller is None:
            raise RefusedError(NOT_LOGGED_IN)
        if not self._hub.credentials.knows(self._caller.username):
            raise RefusedError(REMOVED)
        return self._caller

    def _answer(self, message: Message, result: str | None) -> None:
        corr_id = corr_id_of(message)
        if corr_id is not None and result is not None:
            self._outgoing.answer(corr_id, ok=True, result=result)

    def _refuse(self, message: Message, text: str) -> None:
        corr_id = corr_id_of(message)
        if corr_id is not None:
            self._outgoing.answer(corr_id, ok=False, result=text)
        else:
            self._hub.counters.messages_ignored += 1
            self._warn(message, text)

    def _warn(self, message: Message, text: str) -> None:
        """Of a signal or file that was dropped, on the `stderr` of its process: there is no answer to say it in."""
        if isinstance(message, SignalProcess | TransferFile):
            held = self._hub.held.get(message.process_id)
            if held is not None and held.attachment is self._outgoing:
                self._outgoing.notice(held.id, f"[pie] {text}\n")

    def _blame(self, message: Message) -> None:
        log.exception("a request of %s failed inside the server: %s", self.username or "somebody", type(message).__name__)
        self._refuse(message, INTERNAL)
