"""The control link over ZeroMQ: a ROUTER at an address in the file system, msgpack structs."""

import asyncio
import contextlib
import logging
from functools import partial

import msgspec
import zmq
import zmq.asyncio

from pie_deploy.errors import StorageError
from pie_deploy.limits import CONTROL_MESSAGE_BYTES_MAX, CONTROL_QUEUE_MESSAGES_MAX
from pie_deploy.ports.control import Deliver, Peer
from pie_flow.control import FromContainer, ToContainer

_log = logging.getLogger(__name__)
_decoder = msgspec.msgpack.Decoder(FromContainer)
_encoder = msgspec.msgpack.Encoder()


class ZeroMqWire:
    """`ports.control.ControlWire`. The address stays the same, so containers find the next control plane where this one was."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._zmq: zmq.asyncio.Context | None = None
        self._socket: zmq.asyncio.Socket | None = None
        self._task: asyncio.Task[None] | None = None
        self.malformed = 0
        """Messages that were none."""

    @property
    def address(self) -> str | None:
        return self._address

    async def open(self, deliver: Deliver) -> None:
        self._zmq = zmq.asyncio.Context()
        self._socket = socket = self._zmq.socket(zmq.ROUTER)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.RCVHWM, CONTROL_QUEUE_MESSAGES_MAX)
        socket.setsockopt(zmq.SNDHWM, CONTROL_QUEUE_MESSAGES_MAX)
        socket.setsockopt(zmq.MAXMSGSIZE, CONTROL_MESSAGE_BYTES_MAX)
        try:
            socket.bind(self._address)  # in place of what a control plane that was killed has left there
        except (OSError, zmq.ZMQError) as error:
            await self.close()
            raise StorageError(f"cannot listen at {self._address}: {error.strerror}") from error
        self._task = asyncio.create_task(self._receive(socket, deliver), name="control link")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._socket is not None:
            self._socket.close(linger=0)
        if self._zmq is not None:
            self._zmq.term()
        self._task = self._socket = self._zmq = None

    async def _receive(self, socket: zmq.asyncio.Socket, deliver: Deliver) -> None:
        while True:
            frames = await socket.recv_multipart()
            identity, body = frames[0], frames[-1]
            try:
                message = _decoder.decode(body)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                self.malformed += 1
                continue
            try:
                deliver(Peer(identity, partial(self._send, identity)), message)
            except Exception:  # one message must not end the link of all containers
                _log.exception("control link: %s", type(message).__name__)

    def _send(self, identity: bytes, message: ToContainer) -> None:
        """A ROUTER drops what is for a peer that has gone, and for one whose queue is full: it says hello again if it lives."""
        if self._socket is not None:
            sent = asyncio.ensure_future(self._socket.send_multipart([identity, _encoder.encode(message)]))
            sent.add_done_callback(_seen)


def _seen(sent: "asyncio.Future[zmq.MessageTracker | None]") -> None:
    if not sent.cancelled() and (error := sent.exception()) is not None:
        _log.warning("control link: %s", error)
