"""A connection to one container: the shell around `pie_flow.endpoint_link`.

The container's end is libzmq's; ours reads ZeroMQ's protocol itself (`pie_deploy.zmtp`), because what a container says is hostile
until it was checked: a message has two parts and bounded size, and who breaks the protocol, or floods us with what is of no use, is
cut off for a while.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import cast

import msgspec

from pie_deploy.gateway import failures
from pie_deploy.gateway.container_socket import connected
from pie_deploy.gateway.failures import UpstreamError
from pie_deploy.limits import (
    GATEWAY_LINK_BYTES_MAX,
    GATEWAY_LINK_MESSAGES_AT_ONCE,
    GATEWAY_LINK_PENALTY_MAX_S,
    GATEWAY_LINK_PENALTY_S,
    GATEWAY_LINK_USELESS_PER_S_MAX,
)
from pie_deploy.ports.routes import Link
from pie_deploy.zmtp import Receiver, ZmtpError, message, opening
from pie_flow.endpoint_link import GATEWAY_ID, HEAD_BYTES_MAX, MESSAGE_BYTES_MAX, FromContainer, FromGateway

log = logging.getLogger(__name__)

_RETRY_S = 0.02
_RETRY_MAX_S = 0.2
_LASTING_S = 1.0
"""Who hangs up sooner is not connected to again at once each time: many of them would keep us busy with that."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(FromContainer).decode

OnMessage = Callable[["LinkConnection", FromContainer, bytes], bool]
"""Returns whether the message was of any use."""
OnDown = Callable[["LinkConnection"], None]


class LinkConnection:
    """Connects and reconnects by itself until closed."""

    def __init__(self, link: Link, *, on_message: OnMessage, on_bad: Callable[[], None], on_down: OnDown) -> None:
        """`on_bad` is told of messages that are none. Must be made on the event loop that it is used on."""
        self.link = link
        self.is_up = False
        self.is_closed = False
        self.under_way_bytes = 0
        self.held_bytes = 0
        self._on_message = on_message
        self._on_bad = on_bad
        self._on_down = on_down
        self._up = asyncio.Event()
        self._transport: asyncio.Transport | None = None
        self._keeping = asyncio.get_running_loop().create_task(self._keep())

    def send(self, said: FromGateway, body: bytes = b"") -> None:
        """Raises UpstreamError when the container is not connected, or has too much waiting."""
        transport = self._transport
        is_open = transport is not None and self.is_up and not transport.is_closing()
        if transport is None or not is_open or transport.get_write_buffer_size() > GATEWAY_LINK_BYTES_MAX:
            raise UpstreamError(failures.LINK_DOWN)
        transport.write(message(_encode(said), body))

    async def wait_up(self, timeout_s: float) -> bool:
        try:
            async with asyncio.timeout(timeout_s):
                await self._up.wait()
        except TimeoutError:
            return False
        return self.is_up

    def close(self) -> None:
        """Safe to call twice."""
        self.is_closed = True
        self.is_up = False
        self._keeping.cancel()
        if self._transport is not None:
            self._transport.abort()

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        retries, penalties = _Pauses(_RETRY_S, _RETRY_MAX_S), _Pauses(GATEWAY_LINK_PENALTY_S, GATEWAY_LINK_PENALTY_MAX_S)
        while True:
            conversation = _Conversation(self._take, self._set_up)
            try:
                self._transport = await connected(self.link.address, conversation)
            except OSError:
                await asyncio.sleep(retries.next())
                continue
            began_s = loop.time()
            await conversation.ended.wait()
            self._transport = None
            self._set_up(False)
            pauses = retries
            if conversation.offence is not None:
                pauses = penalties
                self._on_bad()
                log.warning("link to container %s was cut: %s", self.link.container_id, conversation.offence)
            await asyncio.sleep(pauses.next(loop.time() - began_s))

    def _take(self, parts: list[bytes]) -> bool:
        try:
            head, body = parts
            said = _decode(head) if len(head) <= HEAD_BYTES_MAX else None
        except (ValueError, msgspec.MsgspecError, RecursionError):
            said = None
        if said is None:
            self._on_bad()
            return False
        return self._on_message(self, said, body)

    def _set_up(self, is_up: bool) -> None:
        if self.is_closed:
            return
        was_up, self.is_up = self.is_up, is_up
        if is_up:
            self._up.set()
        else:
            self._up.clear()
            if was_up:
                log.info("link to container %s is down", self.link.container_id)
                self._on_down(self)


class _Pauses:
    """Longer and longer ones, until a connection has lasted."""

    def __init__(self, least_s: float, most_s: float) -> None:
        self._least_s = self._pause_s = least_s
        self._most_s = most_s

    def next(self, lasted_s: float = 0.0) -> float:
        if lasted_s > max(self._most_s, _LASTING_S):
            self._pause_s = self._least_s
        pause_s = self._pause_s
        self._pause_s = min(2 * pause_s, self._most_s)
        return pause_s


class _Conversation(asyncio.Protocol):
    """From one connection to its end."""

    def __init__(self, take: Callable[[list[bytes]], bool], set_up: Callable[[bool], None]) -> None:
        self.ended = asyncio.Event()
        self.offence: str | None = None
        """What the container did that ended it."""
        self._take = take
        self._set_up = set_up
        self._receiver = Receiver(MESSAGE_BYTES_MAX, parts_max=2)
        self._coming: Iterator[list[bytes]] = iter(())
        self._transport: asyncio.Transport | None = None
        self._is_up = False
        self._second = 0
        self._useless = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one without being of the class
        self._transport.write(opening(b"DEALER", GATEWAY_ID))

    def data_received(self, data: bytes) -> None:
        if self.offence is None:
            self._coming = self._receiver.feed(data)
            self._take_some()

    def _take_some(self) -> None:
        """A few of the messages that have come; the rest when others had their turn, and until then nothing is read."""
        assert self._transport is not None
        if self._transport.is_closing():
            return
        try:
            has_more = self._take_up_to(GATEWAY_LINK_MESSAGES_AT_ONCE)
        except ZmtpError as error:
            self.offence = str(error)
            self._transport.abort()
            return
        except BaseException:  # a bug of ours, after which nothing would be read any more
            self._transport.abort()
            raise
        if not self._is_up and self._receiver.is_ready:
            self._is_up = True
            self._set_up(True)
        if has_more:
            self._transport.pause_reading()
            asyncio.get_running_loop().call_soon(self._take_some)
        else:
            self._transport.resume_reading()

    def _take_up_to(self, most: int) -> bool:
        """Whether there may be more. Raises ZmtpError."""
        for number, parts in enumerate(self._coming, 1):
            if not self._take(parts):
                self._count_useless()
            if number == most:
                return True
        return False

    def eof_received(self) -> None:
        """Who says no more takes no more either: a half-closed link would be up for ever."""
        assert self._transport is not None
        self._transport.abort()

    def connection_lost(self, _: Exception | None) -> None:
        self.ended.set()

    def _count_useless(self) -> None:
        """Raises ZmtpError for a flood."""
        second = int(asyncio.get_running_loop().time())
        if second != self._second:
            self._second, self._useless = second, 0
        self._useless += 1
        if self._useless > GATEWAY_LINK_USELESS_PER_S_MAX:
            raise ZmtpError("a flood of messages that are of no use")
