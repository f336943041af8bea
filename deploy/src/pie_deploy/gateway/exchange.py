"""One request or WebSocket under way between a caller and a container: what came, what may be sent, how it ended.

container ──deliver──▶ inbox ──next──▶ caller        `consumed` gives credit back to the container
caller ──send, send_body──▶ container                waits while the container has given no credit back
"""

import asyncio
from collections import deque
from typing import Protocol

from pie_deploy.gateway import failures
from pie_deploy.gateway.failures import UpstreamError
from pie_deploy.limits import GATEWAY_LINK_BYTES_MAX, GATEWAY_STALL_S
from pie_flow.endpoint_link import (
    PIECE_BYTES_MAX,
    WINDOW_BYTES,
    AcceptSocket,
    Body,
    Cancel,
    CloseSocket,
    Credit,
    Emitted,
    FromContainer,
    FromGateway,
    Response,
    SocketMessage,
)

_CREDIT_STEP = WINDOW_BYTES // 4
"""Consumed bytes are reported in steps of this size: four messages per window, and the sender never runs dry."""

HELD_BYTES_PER_MESSAGE = 200
"""What a message takes of our memory beside its body: sixteen thousand empty ones may wait for a caller who takes nothing."""


class Sending(Protocol):
    """The way to a container."""

    under_way_bytes: int
    """Of all exchanges together, sent and not known to be consumed."""
    held_bytes: int
    """Of all exchanges together, come from containers and not yet taken by callers."""

    def send(self, message: FromGateway, body: bytes = b"") -> None:
        """Raises UpstreamError when the container cannot be reached."""
        ...


class Exchange:
    """The state of one id on a link. Everything happens on one event loop."""

    __slots__ = (
        "_allowance",
        "_consumed",
        "_credit",
        "_deadline_s",
        "_failure",
        "_has_begun",
        "_held_bytes",
        "_inbox",
        "_is_last_come",
        "_loop",
        "_timeout_s",
        "_timer",
        "_under_way_bytes",
        "_waiting",
        "_waiting_for_credit",
        "answer",
        "id",
        "is_complete",
        "link",
    )

    def __init__(self, id_: int, link: Sending, loop: asyncio.AbstractEventLoop, answer: str | None = None) -> None:
        """answer: the egress endpoint whose value is meant for the caller; None: any."""
        self.id = id_
        self.link = link
        self.answer = answer
        self.is_complete = False
        """Whether both sides have said all; else the container is told when the exchange ends."""
        self._loop = loop
        self._inbox: deque[tuple[FromContainer, bytes]] = deque()
        self._waiting: asyncio.Future[None] | None = None
        self._waiting_for_credit: asyncio.Future[None] | None = None
        self._failure: Exception | None = None
        self._credit = WINDOW_BYTES
        self._allowance = WINDOW_BYTES
        self._consumed = 0
        self._under_way_bytes = 0
        self._held_bytes = 0
        self._has_begun = False
        self._is_last_come = False
        self._timer: asyncio.TimerHandle | None = None
        self._timeout_s = 0.0
        self._deadline_s = 0.0

    # --- From the container ------------------------------------------------------------------------------------------

    def deliver(self, message: FromContainer, body: bytes) -> bool:
        """A message about this id. False: it was of no use; if it breaks the protocol, the exchange has failed."""
        kind = type(message)
        if kind is Credit:
            return self._add_credit(message.size_bytes)  # type: ignore[union-attr]
        if kind is Cancel:
            self.fail(UpstreamError(failures.GAVE_UP))
            return True
        if kind is Emitted and self.answer not in (None, message.endpoint):  # type: ignore[union-attr]
            return True
        if not self._may_come(message, len(body)):
            self.fail(UpstreamError(failures.BAD_ANSWER))
            return False
        if self.link.held_bytes > GATEWAY_LINK_BYTES_MAX:
            self.fail(UpstreamError(failures.OVERLOADED))
            return False
        self._add_held(len(body) + HELD_BYTES_PER_MESSAGE)
        self._inbox.append((message, body))
        _wake(self._waiting)
        return True

    async def next(self) -> tuple[FromContainer, bytes]:
        """The next message. Raises what the exchange failed with, once nothing is left."""
        while not self._inbox:
            if self._failure is not None:
                raise self._failure
            self._waiting = self._loop.create_future()
            await self._waiting
        self._add_held(-HELD_BYTES_PER_MESSAGE)
        return self._inbox.popleft()

    def consumed(self, size_bytes: int) -> None:
        """The caller has taken so much of a stream. Raises UpstreamError."""
        self._add_held(-size_bytes)
        self._consumed += size_bytes
        if self._consumed >= _CREDIT_STEP:
            self._allowance += self._consumed
            self.link.send(Credit(id=self.id, size_bytes=self._consumed))
            self._consumed = 0

    def _may_come(self, message: FromContainer, size_bytes: int) -> bool:
        """Whether the container keeps to its credit. What comes whole needs none, nor does the mere end of a stream."""
        kind = type(message)
        begins = kind is Response or kind is AcceptSocket
        if self._is_last_come or (begins and self._has_begun):
            return False
        self._has_begun = True
        if kind is Emitted or kind is CloseSocket or (kind is Response and not message.more):  # type: ignore[union-attr]
            self._is_last_come = True
            return True
        if kind is Body and not message.more and size_bytes == 0:  # type: ignore[union-attr]
            self._is_last_come = True
            return True
        if self._allowance <= 0 or len(self._inbox) >= WINDOW_BYTES // 64:
            return False
        self._allowance -= size_bytes
        return True

    # --- To the container --------------------------------------------------------------------------------------------

    def send(self, message: FromGateway, body: bytes = b"") -> None:
        """Send without waiting: what needs no credit, or the first bytes of a body. Raises UpstreamError."""
        self.link.send(message, body)
        if body:
            self._credit -= len(body)
            self._add_under_way(len(body))

    async def send_body(self, data: bytes, more: bool) -> None:
        """Send a part of the request's body, as credit allows. Raises UpstreamError."""
        for begin in range(0, len(data) or 1, PIECE_BYTES_MAX):
            piece = data[begin : begin + PIECE_BYTES_MAX]
            await self._credit_left()
            self.send(Body(id=self.id, more=more or begin + PIECE_BYTES_MAX < len(data)), piece)
            self.touch()

    async def send_message(self, data: bytes, is_text: bool) -> None:
        """Send a message of a WebSocket, as credit allows. Raises UpstreamError."""
        await self._credit_left()
        self.send(SocketMessage(id=self.id, text=is_text), data)

    def _add_under_way(self, size_bytes: int) -> None:
        self._under_way_bytes += size_bytes
        self.link.under_way_bytes += size_bytes

    async def _credit_left(self) -> None:
        while self._credit <= 0:
            if self._failure is not None:
                raise self._failure
            self._waiting_for_credit = self._loop.create_future()
            stalled = self._loop.call_later(GATEWAY_STALL_S, self.fail, UpstreamError(failures.TIMED_OUT))
            try:
                await self._waiting_for_credit
            finally:
                stalled.cancel()

    def _add_held(self, size_bytes: int) -> None:
        self._held_bytes += size_bytes
        self.link.held_bytes += size_bytes

    def _add_credit(self, size_bytes: int) -> bool:
        returned = min(max(size_bytes, 0), self._under_way_bytes)
        self._credit += returned
        self._add_under_way(-returned)
        if self._credit > 0:
            _wake(self._waiting_for_credit)
        return returned > 0

    # --- Its end -----------------------------------------------------------------------------------------------------

    def fail(self, failure: Exception) -> None:
        """Whoever waits gets this. The first failure counts."""
        if self._failure is None:
            self._failure = failure
            _wake(self._waiting)
            _wake(self._waiting_for_credit)

    def end(self) -> None:
        """It is over, however it ended."""
        self.settle()
        self._add_under_way(-self._under_way_bytes)
        self._add_held(-self._held_bytes)

    def expect_within(self, timeout_s: float) -> None:
        """Fail when nothing has been sent or settled for so long."""
        self._timeout_s = timeout_s
        self._deadline_s = self._loop.time() + timeout_s
        self._timer = self._loop.call_later(timeout_s, self._late)

    def touch(self) -> None:
        """The caller is still sending: the time for the answer begins now."""
        self._deadline_s = self._loop.time() + self._timeout_s

    def settle(self) -> None:
        """The answer has begun: the time limit is kept."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        left_s = self._deadline_s - self._loop.time()
        if left_s > 0:
            self._timer = self._loop.call_later(left_s, self._late)
        else:
            self.fail(UpstreamError(failures.TIMED_OUT))


def _wake(waiting: asyncio.Future[None] | None) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)
