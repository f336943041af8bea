"""One WebSocket connection: opened, written, read, watched. The errors of the library end here."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from pie_client import limits
from pie_client.errors import ConnectionLostError, UnreachableError
from pie_client.inbox import Flow
from pie_wire.frames import encode
from pie_wire.messages import ClientMessage

CLOSED: Final = "WebSocket connection closed"


class WebSocket:
    """Binary frames both ways."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, uri: str, headers: Mapping[str, str]) -> Self:
        """Raises `UnreachableError`."""
        try:
            connection = await connect(
                uri,
                additional_headers=headers,
                compression=None,
                max_size=limits.INCOMING_FRAME_BYTES_MAX,
                open_timeout=limits.OPEN_TIMEOUT_S,
                close_timeout=limits.CLOSE_TIMEOUT_S,
                ping_interval=None,  # a client that is not reading would seem dead: see `keep_alive`
            )
        except (InvalidURI, ValueError) as error:
            raise UnreachableError(f"{uri!r} is no WebSocket address such as ws://127.0.0.1:8080") from error
        except (OSError, InvalidHandshake, TimeoutError, EOFError) as error:
            raise UnreachableError(f"no engine at {uri}: {str(error) or type(error).__name__}") from error
        return cls(connection)

    async def send(self, message: ClientMessage) -> None:
        """Raises `ConnectionLostError`."""
        try:
            await self._connection.send(encode(message))
        except ConnectionClosed as error:
            raise ConnectionLostError(f"{CLOSED} before everything was sent") from error

    async def try_to_send(self, message: ClientMessage) -> None:
        """For what does not matter once the connection is gone."""
        with suppress(ConnectionLostError):
            await self.send(message)

    async def receive(self) -> bytes:
        """The next frame; text frames are not for us. Raises `ConnectionLostError`, which says why it ended."""
        try:
            while not isinstance(frame := await self._connection.recv(), bytes):
                pass
        except ConnectionClosed as closed:
            raise ConnectionLostError(str(closed)) from closed
        return frame

    async def keep_alive(self, flow: Flow) -> None:
        """Break the connection when the other side does not answer. While nothing is read no answer can come: none is expected."""
        while True:
            await asyncio.sleep(limits.PING_INTERVAL_S)
            await flow.readable()
            stops = flow.stops
            with suppress(ConnectionClosed):
                pong = await self._connection.ping()
                done, _ = await asyncio.wait({asyncio.ensure_future(pong)}, timeout=limits.PING_TIMEOUT_S)
                if not done and flow.stops == stops:
                    self.abort()

    def abort(self) -> None:
        """End it without a word."""
        self._connection.transport.abort()

    async def close(self) -> None:
        await self._connection.close()
