"""What happens at the edges of an exchange: clients that stall, leave, or come in pieces; routes that fail."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pie.config.config import LimitsConfig
from pie.errors import DriverError, QuotaError
from pie.openai.http import Endpoint, Exchange, Handle

UNHURRIED, HURRIED = LimitsConfig(), LimitsConfig(idle_timeout_s=0.01, handshake_timeout_s=0.01)
SCOPE: dict[str, Any] = {"type": "http", "headers": []}
BODY = {"type": "http.request", "body": b"{}", "more_body": False}
GONE = {"type": "http.disconnect"}


class Client:
    """Sends what it was made with, then waits; remembers what it gets."""

    def __init__(self, messages: Sequence[dict[str, Any]] = (BODY,), *, reads: Callable[[], bool] = lambda: True) -> None:
        self.messages = list(messages)
        self.got: list[dict[str, Any]] = []
        self.reads = reads

    async def receive(self) -> dict[str, Any]:
        if not self.messages:
            await asyncio.Event().wait()
        return self.messages.pop(0)

    async def send(self, message: Any) -> None:
        if not self.reads():
            await asyncio.Event().wait()
        self.got.append(message)

    async def ask(self, handle: Handle, limits: LimitsConfig = UNHURRIED) -> None:
        async with asyncio.timeout(120):
            await Endpoint(handle, None, lambda: limits)(SCOPE, self.receive, self.send)

    @property
    def status(self) -> int:
        return int(self.got[0]["status"])


async def test_a_body_may_come_in_pieces() -> None:
    async def echo(exchange: Exchange) -> None:
        await exchange.reply(exchange.body)

    pieces = [{"type": "http.request", "body": piece, "more_body": piece != b"c"} for piece in (b"a", b"b", b"c")]
    client = Client(pieces)
    await client.ask(echo)
    assert client.got[1]["body"] == b"abc"


async def test_a_client_that_leaves_cancels_the_route() -> None:
    ended: list[str] = []

    async def endless(_: Exchange) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    await Client([BODY, GONE]).ask(endless)
    assert ended == ["cancelled"]


async def test_a_client_that_leaves_in_the_middle_of_its_request_is_forgotten() -> None:
    async def never(_: Exchange) -> None:
        raise AssertionError

    client = Client([{"type": "http.request", "body": b"{", "more_body": True}, GONE])
    await client.ask(never)
    assert not client.got


async def test_a_request_that_never_ends_is_given_up() -> None:
    async def never(_: Exchange) -> None:
        raise AssertionError

    client = Client([{"type": "http.request", "body": b"{", "more_body": True}])
    await client.ask(never, HURRIED)
    assert client.status == 408


async def test_a_client_that_stops_reading_is_given_up() -> None:
    async def stream(exchange: Exchange) -> None:
        await exchange.open_stream()
        while True:
            await exchange.write(b"data: x\n\n")

    client = Client(reads=lambda: len(client.got) < 5)
    await client.ask(stream, HURRIED)
    assert len(client.got) == 5


@pytest.mark.parametrize(
    ("error", "status"),
    [(QuotaError("no", retry_after_s=12.5), 429), (DriverError("no"), 503), (RuntimeError("a bug"), 500), (RecursionError(), 400)],
)
async def test_errors_become_answers(error: Exception, status: int) -> None:
    async def fail(_: Exchange) -> None:
        raise error

    client = Client()
    await client.ask(fail)
    assert client.status == status
    if status == 429:
        assert (b"retry-after", b"13") in client.got[0]["headers"]
    assert b"a bug" not in client.got[1]["body"]


async def test_an_error_in_a_stream_ends_it_as_an_event() -> None:
    async def fail(exchange: Exchange) -> None:
        await exchange.open_stream()
        raise DriverError("the driver is gone")

    client = Client()
    await client.ask(fail)
    assert client.status == 200
    assert client.got[-1]["body"].startswith(b'data: {"error":{"message":"the driver is gone"')
    assert not client.got[-1].get("more_body")
