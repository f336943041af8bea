"""What a handler of the component's own gets and gives: requests, responses, WebSockets. `async` handlers get the twins whose
methods are awaited.

A handler runs on a thread of its own (or on the event loop, if it is `async`), at the same time as the component's function.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from pie_component.endpoints.exchange import Exchange, Piece
from pie_component.errors import GoneError


class Response:
    """What a handler may return if a value is not enough. `body`: bytes, text, or an iterator (also an async one) of these, sent
    piece by piece; anything else as JSON."""

    def __init__(self, body: Any = b"", status: int = 200, headers: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> None:
        """`headers`: pairs where a name stands several times."""
        self.body = body
        self.status = status
        self.headers = tuple(headers.items() if isinstance(headers, Mapping) else headers)


class _Head:
    def __init__(self, exchange: Exchange, path: str, query: str, headers: tuple[tuple[str, str], ...]) -> None:
        self._exchange = exchange
        self.id = exchange.id
        """Of the request; the correlation id of values that answer it."""
        self.path = path
        """What follows the forwarding token, percent-encoded as it came."""
        self.query_string = query
        self.headers: dict[str, str] = {}
        """By lower-case name; values of a name that stands several times are joined by commas."""
        for name, value in headers:
            before = self.headers.get(name.lower())
            self.headers[name.lower()] = value if before is None else f"{before}, {value}"

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.query_string, keep_blank_values=True))


class Request(_Head):
    """An HTTP request."""

    def __init__(self, exchange: Exchange, method: str, path: str, query: str, headers: tuple[tuple[str, str], ...]) -> None:
        super().__init__(exchange, path, query, headers)
        self.method = method

    def stream(self) -> Iterator[bytes]:
        """The body, piece by piece. Raises GoneError when the caller has gone."""
        while (piece := self._exchange.next_piece()) is not None:
            yield piece.data

    def read(self) -> bytes:
        """The whole body, or what is left of it. Raises GoneError."""
        return b"".join(self.stream())

    def text(self) -> str:
        return self.read().decode()

    def json(self) -> Any:
        return msgspec.json.decode(self.read())


class AsyncRequest(_Head):
    """An HTTP request, for an `async` handler."""

    def __init__(self, exchange: Exchange, method: str, path: str, query: str, headers: tuple[tuple[str, str], ...]) -> None:
        super().__init__(exchange, path, query, headers)
        self.method = method

    async def stream(self) -> AsyncIterator[bytes]:
        """The body, piece by piece. Raises GoneError when the caller has gone."""
        while (piece := await self._exchange.next_piece_async()) is not None:
            yield piece.data

    async def read(self) -> bytes:
        """The whole body, or what is left of it. Raises GoneError."""
        return b"".join([piece async for piece in self.stream()])

    async def text(self) -> str:
        return (await self.read()).decode()

    async def json(self) -> Any:
        return msgspec.json.decode(await self.read())


class WebSocket(_Head):
    """A WebSocket. It is accepted when it is first used; a handler that returns before refuses it."""

    def __init__(
        self, exchange: Exchange, path: str, query: str, headers: tuple[tuple[str, str], ...], subprotocols: tuple[str, ...]
    ) -> None:
        super().__init__(exchange, path, query, headers)
        self.subprotocols = subprotocols

    def accept(self, subprotocol: str | None = None) -> None:
        self._exchange.accept(subprotocol)

    def receive(self) -> str | bytes:
        """The next message. Raises GoneError when the socket is closed."""
        self._exchange.accept(None)
        return _message(self._exchange.next_piece())

    def send(self, message: str | bytes) -> None:
        """Waits while the caller reads too slowly. Raises GoneError."""
        self._exchange.accept(None)
        self._exchange.send_message(message)

    def close(self, code: int = 1000, reason: str = "") -> None:
        self._exchange.close_socket(code, reason)

    def __iter__(self) -> Iterator[str | bytes]:
        """All messages until the socket is closed."""
        self._exchange.accept(None)
        while (piece := self._exchange.next_piece()) is not None:
            yield piece.content


class AsyncWebSocket(_Head):
    """A WebSocket, for an `async` handler."""

    def __init__(
        self, exchange: Exchange, path: str, query: str, headers: tuple[tuple[str, str], ...], subprotocols: tuple[str, ...]
    ) -> None:
        super().__init__(exchange, path, query, headers)
        self.subprotocols = subprotocols

    async def accept(self, subprotocol: str | None = None) -> None:
        self._exchange.accept(subprotocol)

    async def receive(self) -> str | bytes:
        """The next message. Raises GoneError when the socket is closed."""
        self._exchange.accept(None)
        return _message(await self._exchange.next_piece_async())

    async def send(self, message: str | bytes) -> None:
        """Waits while the caller reads too slowly. Raises GoneError."""
        self._exchange.accept(None)
        await self._exchange.send_message_async(message)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        self._exchange.close_socket(code, reason)

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        """All messages until the socket is closed."""
        self._exchange.accept(None)
        while (piece := await self._exchange.next_piece_async()) is not None:
            yield piece.content


def _message(piece: Piece | None) -> str | bytes:
    if piece is None:
        raise GoneError("the socket is closed")
    return piece.content
